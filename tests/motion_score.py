"""What the motion stage finds in videos with marked movements, judged.

`python -m tests.motion_score FILE.mp4 [FILE…]` prints one line of JSON for each; `FILE.intervals.json` lies beside it.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from jobs.pose.__main__ import MODEL
from jobs.pose.detector import MediaPipeDetector
from shared.domain.motion import looks, moving_spans
from shared.domain.options import MotionOptions
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.media.probe import probe
from shared.models.fetch import ensure
from shared.pipeline.analyse_pose import Effort, PosePart, analyse_chunk, join_parts
from shared.settings import Settings
from tests.motion_truth import Marked, edge_error_sizes, empty_kept_s, event_recall, f1, strict_event_recall

CHUNK_S = 60.0

Scores = dict[str, object]


def judge(found: Marked, truth: Marked, *, duration_s: float) -> Scores:
    """Return how well the found spans match; figures that nothing was found or marked for are None."""
    errors_s = edge_error_sizes(found, truth)
    return {
        "events": len(truth),
        "f1": round(f1(found, truth, duration_s=duration_s), 3) if truth else None,
        "event_recall": round(event_recall(found, truth), 3) if truth else None,
        "strict_event_recall": round(strict_event_recall(found, truth), 3) if truth else None,
        "median_edge_error_s": round(median(errors_s), 2) if errors_s else None,
        "worst_edge_error_s": round(errors_s[-1], 2) if errors_s else None,
        "empty_kept_s": round(empty_kept_s(found, truth), 2),
    }


def score(path: Path, detector: MediaPipeDetector) -> Scores:
    """Return what the analysis of a video with marked movements finds, and what it costs."""
    marked = json.loads(path.with_suffix(".intervals.json").read_text())
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found, effort = _analysed(path, detector)
    took = {"wall_s": round(time.perf_counter() - wall_s, 2), "cpu_s": round(time.process_time() - cpu_s, 2)}
    judged = judge(found, marked["motion_intervals"], duration_s=marked["duration"])
    spans = [[round(start, 2), round(end, 2)] for start, end in found]
    return {"name": path.stem, **judged, **took, "effort": asdict(effort), "found": spans}


def _analysed(path: Path, detector: MediaPipeDetector) -> tuple[list[tuple[float, float]], Effort]:
    with open(path, "rb") as file:
        video = probe(file, name=path.name)
        plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=CHUNK_S, max_tasks=200)
        parts = [
            analyse_chunk(
                file, video, plan=plan, chunk=chunk, detector=detector, name=path.name, on_progress=lambda _: None
            )
            for chunk in range(plan.chunks)
        ]
    spans = moving_spans(looks(join_parts(parts)), MotionOptions(), duration_s=video.duration_s)
    return [(each.start_s, each.end_s) for each in spans], _effort(parts)


def _effort(parts: list[PosePart]) -> Effort:
    return Effort(
        packets=sum(part.effort.packets for part in parts),
        decoded_frames=sum(part.effort.decoded_frames for part in parts),
        looks=sum(part.effort.looks for part in parts),
    )


def main(paths: list[Path]) -> None:
    """Print a line of JSON for each video."""
    with MediaPipeDetector(ensure(MODEL, cache_dir=Settings().models), model_version="test") as detector:
        for path in paths:
            print(json.dumps(score(path, detector)), flush=True)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
