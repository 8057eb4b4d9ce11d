"""What the pose tasks of a long file ask the store for, and how fast its reader is: `make bench-cloud`.

A recording of several minutes lies in (emulated) Cloud Storage in five containers. Of each, every pose task's reader
counts its bytes and requests, one task per 60 s of source, as on Cloud Run. The bound holds for an indexed MP4; the
others are printed. Reading the whole object through `open` is set against the client's own plain download, as the
median of interleaved pairs.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av
from google.cloud.storage import Client

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_storage import CloudStorage
from shared.adapters.gcp.ranged_reader import RangedReader
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.media.probe import probe
from shared.pipeline.analyse_pose import analyse_chunk
from shared.settings import GoogleSettings
from tests.emulators.fake_gcs import fake_gcs
from tests.nobody import Nobody

RECORDING = "raw_session_mixed_720p.mp4"
TIMES = 2
"""How often the recording is played: 6 min 42 s in all."""
CHUNK_S = 60.0
MOST_OF_ITS_SIZE = 1.3
PAIRS = 5
BUCKET = "bench"
READ_BYTES = 1 << 16  # what libav reads at once
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How the same packets are laid out in a file."""

    name: str
    format: str
    options: dict[str, str]
    most_of_its_size: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What all pose tasks of one file asked for."""

    file: str
    size_bytes: int
    tasks: int
    requested_bytes: int
    requests: int
    bound: float | None

    @property
    def share(self) -> float:
        """Bytes asked for, in sizes of the file."""
        return self.requested_bytes / self.size_bytes

    @property
    def is_kept(self) -> bool:
        return self.bound is None or self.share <= self.bound

    def line(self) -> str:
        """Return the figures as JSON."""
        figures = {
            "file": self.file,
            "size_mb": round(self.size_bytes / 1e6, 1),
            "tasks": self.tasks,
            "of_its_size": round(self.share, 3),
            "requests_per_task": round(self.requests / self.tasks, 1),
            "bound": self.bound,
        }
        return json.dumps(figures)


KINDS = (
    Kind(name="indexed MP4", format="mp4", options={"movflags": "+faststart"}, most_of_its_size=MOST_OF_ITS_SIZE),
    Kind(name="MP4, index at the end", format="mp4", options={}),
    Kind(name="fragmented MP4", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}),
    Kind(name="MPEG-TS", format="mpegts", options={}),
    Kind(name="Matroska without cues", format="matroska", options={"live": "1"}),
)


def main() -> int:
    """Print a line for each container and one for the throughput; 1 when a bound is missed, else 0."""
    media = Path(os.environ.get("MONTAGE_MEDIA") or Path(__file__).parents[2] / "shared" / "media")
    with (
        tempfile.TemporaryDirectory(prefix="montage-bench-") as scratch,
        fake_gcs(Path(scratch)) as address,
        closing(GoogleClients(GoogleSettings(project="bench", storage_emulator_host=address))) as clients,
    ):
        client = clients.storage
        client.create_bucket(BUCKET)
        store = CloudStorage(client, BUCKET, timeout_s=TIMEOUT_S)
        found = [_reads(store, kind, media / RECORDING, Path(scratch)) for kind in KINDS]
        ratio = _throughput(client, store, KINDS[0].name)
    missed = [each.file for each in found if not each.is_kept]
    print(
        f"bench-cloud: pose tasks asked for {found[0].share:.2f} of an indexed MP4 (at most {MOST_OF_ITS_SIZE}); "
        f"open reads at {ratio:.2f} of a plain download's speed; {'missed' if missed else 'all bounds kept'}"
    )
    return 1 if missed else 0


def _reads(store: CloudStorage, kind: Kind, recording: Path, scratch: Path) -> Reads:
    path = _laid_out(recording, kind, scratch / "file")
    size_bytes = path.stat().st_size
    store.upload(path, kind.name)
    path.unlink()
    with store.open(kind.name) as file:
        video = probe(file, name=kind.name)
    plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=CHUNK_S, max_tasks=200)
    requested_bytes = requests = 0
    for chunk in range(plan.chunks):
        with store.open(kind.name) as file:
            analyse_chunk(
                file, video, plan=plan, chunk=chunk, detector=Nobody(), name=kind.name, on_progress=lambda _: None
            )
            assert isinstance(file, RangedReader)
            requested_bytes += file.requested_bytes
            requests += file.requests
    found = Reads(
        file=kind.name,
        size_bytes=size_bytes,
        tasks=plan.chunks,
        requested_bytes=requested_bytes,
        requests=requests,
        bound=kind.most_of_its_size,
    )
    print(found.line(), flush=True)
    return found


def _laid_out(recording: Path, kind: Kind, path: Path) -> Path:
    """Write the recording, `TIMES` times over, packet by packet into the container."""
    with (
        av.open(str(recording)) as source,
        av.open(str(path), "w", format=kind.format, container_options=kind.options) as out,
    ):
        streams = {
            each.index: out.add_stream_from_template(each) for each in source.streams if each.type in ("video", "audio")
        }
        length_s = (source.duration or 0) / av.time_base
        for turn in range(TIMES):
            source.seek(0)
            for packet in source.demux(*(source.streams[index] for index in streams)):
                if packet.dts is None or packet.pts is None:
                    continue
                later = round(turn * length_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


def _throughput(client: Client, store: CloudStorage, name: str) -> float:
    """Return how fast `open` reads the whole object, in speeds of a plain download."""

    def through_open() -> None:
        with store.open(name) as file:
            while file.read(READ_BYTES):
                pass

    def plainly() -> None:
        client.bucket(BUCKET).blob(name).download_as_bytes(timeout=TIMEOUT_S)

    ratios = [_seconds(plainly) / _seconds(through_open) for _ in range(PAIRS)]
    print(json.dumps({"open_over_plain_download": [round(each, 2) for each in ratios]}), flush=True)
    return statistics.median(ratios)


def _seconds(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main())
