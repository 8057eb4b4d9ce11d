"""The `montage` command: the whole pipeline on one machine, no account and no keys."""

import argparse
import io
import json
import logging
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from functions.local.arguments import Command, parser, render_options, run_options
from functions.local.dead_letters import dead_letters
from functions.local.doctor import diagnose
from functions.local.given_edit_list import read_edit_list
from functions.local.keys import keys
from functions.local.outcome import (
    BAD_INPUT,
    INTERRUPTED,
    OK,
    TROUBLE,
    Outcome,
    clock,
    exit_code,
    outcome_of,
    refused,
)
from functions.local.progress import Display, display
from functions.local.run_jobs import Interrupts, awaits_its_owner, follow, now_of, resume, submit
from functions.local.sample import ensure_sample, made_of
from functions.local.system_check import apt_line, missing_packages
from functions.printable import printable
from shared import log as logs
from shared.connect import LocalCloud, connect_local
from shared.domain.job import Job
from shared.domain.options import Mode
from shared.domain.stage_plan import STAGES_OF
from shared.errors import BadRequest, MontageError
from shared.models.fetch import Progress, ensure, is_cached
from shared.models.manifest import stage_models
from shared.pipeline.cancel_job import cancel_job
from shared.pipeline.erase_job import erase_job
from shared.pipeline.make_reel import own_version
from shared.pipeline.retry_job import retry_job
from shared.pipeline.watch import watch
from shared.settings import Settings

log = logging.getLogger(__name__)

MIB = 1024 * 1024
ASKED_WRONGLY = (
    "unknown_job",
    "ambiguous_job",
    "already_ended",
    "not_failed",
    "unknown_key",
    "ambiguous_key",
    "not_one_machine",
)
ERASED_WITHIN_S = 15.0
SHORTEST_PREFIX = 4
"""Of a job's id, to be taken for it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad input, 1 anything else, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name the terminal cannot show must not end the run
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser(COMMANDS, is_json="--json" in words).parse_args(words)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains at its exit
        return TROUBLE
    except ValidationError as error:
        return _trouble(arguments, "bad_setting", _bad_setting(error), code=BAD_INPUT)
    except MontageError as error:
        is_asked_wrongly = error.code in ASKED_WRONGLY
        return _trouble(arguments, error.code, error.message, code=BAD_INPUT if is_asked_wrongly else TROUBLE)
    except OSError as error:
        return _trouble(arguments, "cannot_write", f"{error.filename or 'The disk'}: {error.strerror}.")
    except Exception as error:  # people get a sentence, the log the whole story
        log.exception("unforeseen")
        message = f"Something unforeseen went wrong ({type(error).__name__}); montage.log in MONTAGE_HOME says more."
        return _trouble(arguments, "internal", message)


def _bad_setting(error: ValidationError) -> str:
    """Return which variables are wrong, and what is wrong with the first."""
    prefix = "MONTAGE_GOOGLE_" if error.title == "GoogleSettings" else "MONTAGE_"
    wrong = [each for each in error.errors() if each["type"] != "default_factory_not_called"]  # follows from another
    names = ", ".join(f"{prefix}{'_'.join(map(str, each['loc'])).upper()}" for each in wrong)
    return f"{names}: {wrong[0]['msg'].removeprefix('Value error, ')}."


def run(arguments: argparse.Namespace) -> int:
    """`montage run`: a reel for each video."""
    settings = _settings(workers=arguments.workers)
    options = run_options(arguments)
    with closing(display(is_quiet=arguments.quiet)) as shown, _ready(settings, shown, options.mode) as cloud:
        out = Path(arguments.out)
        submitted = [submit(cloud, Path(video), out=out, options=options) for video in arguments.videos]
        begun = [each if isinstance(each, Outcome) else each.id for each in submitted]
        return _see_through(cloud, settings, begun, arguments, shown, is_list=len(begun) > 1)


def render(arguments: argparse.Namespace) -> int:
    """`montage render VIDEO --edit-list FILE`: a reel of the clips that somebody names."""
    settings = _settings(workers=arguments.workers)
    try:
        asked = read_edit_list(arguments.edit_list)
    except BadRequest as error:
        _tell([refused(arguments.video, error.code, error.message)], arguments, is_list=False)
        return BAD_INPUT
    options = render_options(arguments, asked)
    is_as_it_was = arguments.render is None and arguments.join is None
    given = asked.edit_list if is_as_it_was else replace(asked.edit_list, why_not_copied=None)
    with closing(display(is_quiet=arguments.quiet)) as shown, connect_local(settings) as cloud:
        begun = submit(cloud, Path(arguments.video), out=Path(arguments.out), options=options, given=given)
        one = begun if isinstance(begun, Outcome) else begun.id
        return _see_through(cloud, settings, [one], arguments, shown, is_list=False)


def job(arguments: argparse.Namespace) -> int:
    """`montage job ID`: show a job; one that is not finished goes on first."""
    settings = _settings(workers=None)
    with connect_local(settings) as cloud:
        found = _job_called(cloud, arguments.id)
        is_final = found.is_final
    with (
        closing(display(is_quiet=is_final)) as shown,
        connect_local(settings) if is_final else _ready_for(found, settings, shown) as cloud,
    ):
        resume(cloud, found.id)
        return _see_through(cloud, settings, [found.id], arguments, shown, is_list=False)


def _job_called(cloud: LocalCloud, words: str) -> Job:
    """Return the job of that id, or the only one whose id begins like that. Raises NotFound, BadRequest."""
    if len(words) < SHORTEST_PREFIX:
        return cloud.jobs.get(words)
    found = [each for each in cloud.jobs.list() if each.id.startswith(words)]
    if len(found) > 1:
        raise BadRequest("ambiguous_job", f"{len(found)} jobs begin with {words}; type more of the one you mean.")
    return found[0] if found else cloud.jobs.get(words)


def jobs(arguments: argparse.Namespace) -> int:
    """`montage jobs`: every job, oldest first."""
    with connect_local(_settings(workers=None)) as cloud:
        found = cloud.jobs.list()
    outcomes = [outcome_of(job) for job in found]
    if arguments.json:
        _print_json([outcome.to_dict() for outcome in outcomes])
        return OK
    for each, outcome in zip(found, outcomes, strict=True):
        begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created_at))
        reel = clock(outcome.numbers["reel_s"]) if "reel_s" in outcome.numbers else ""
        print(printable(f"{each.id}  {begun}  {each.state:<11}  {reel:>7}  {outcome.source}"))
    if not outcomes:
        print("No jobs yet; `montage run VIDEO` makes one.")
    return OK


def cancel(arguments: argparse.Namespace) -> int:
    """`montage cancel ID`: end an unfinished job."""
    with connect_local(_settings(workers=None)) as cloud:
        ended = cancel_job(cloud, _job_called(cloud, arguments.id).id)
    return _tell_ended(ended, "cancelled", arguments)


def retry(arguments: argparse.Namespace) -> int:
    """`montage retry ID`: try a failed job again."""
    settings = _settings(workers=None)
    with connect_local(settings) as cloud:
        found = _job_called(cloud, arguments.id)
    with closing(display(is_quiet=False)) as shown, _ready_for(found, settings, shown) as cloud:
        retry_job(cloud, found.id)
        return _see_through(cloud, settings, [found.id], arguments, shown, is_list=False)


def _ready_for(found: Job, settings: Settings, shown: Display) -> LocalCloud:
    """Return the machine's cloud, once everything that tasks of this job need is there. Raises MontageError."""
    is_without_analysis = found.is_given or found.edit is not None or awaits_its_owner(found)
    return connect_local(settings) if is_without_analysis else _ready(settings, shown, found.options.mode)


def erase(arguments: argparse.Namespace) -> int:
    """`montage erase ID`: remove everything of a job, once what runs of it has stopped."""
    settings = _settings(workers=None)
    with connect_local(settings) as cloud:
        job_id = _job_called(cloud, arguments.id).id
        erased = erase_job(cloud, job_id)
        give_up_at = time.monotonic() + ERASED_WITHIN_S
        while not (is_gone := cloud.jobs.was_erased(job_id)) and time.monotonic() < give_up_at:
            time.sleep(1)
            watch(cloud, [job_id])
    if not is_gone:
        message = f"Something of {job_id} still runs; it is erased once that has ended: montage erase {job_id}"
        return _trouble(arguments, "still_erasing", message)
    return _tell_ended(erased, "erased", arguments)


def _tell_ended(job: Job, how: str, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _print_json(outcome_of(job).to_dict())
    else:
        print(printable(f"{job.id}  {how}  {outcome_of(job).source}"))
    return OK


def models(arguments: argparse.Namespace) -> int:
    """`montage models [list|fetch]`: the model files, and whether they are here."""
    settings = _settings(workers=None)
    if arguments.action == "fetch":
        shown = display(is_quiet=arguments.json)
        for name in stage_models():
            _fetch(name, settings, shown)
        shown.close()
    found = [
        {
            "name": model.name,
            "size_bytes": model.size_bytes,
            "licence": model.licence,
            "is_cached": is_cached(model, cache_dir=settings.models),
            "path": str(settings.models / model.path),
        }
        for model in stage_models().values()
    ]
    if arguments.json:
        _print_json(found)
    else:
        for each in found:
            where = each["path"] if each["is_cached"] else "not fetched yet: montage models fetch"
            print(f"{each['name']}  {int(str(each['size_bytes'])) / MIB:.1f} MiB  {each['licence']}  {where}")
    return OK


def doctor(arguments: argparse.Namespace) -> int:
    """`montage doctor`: what this machine has and lacks."""
    settings = _settings(workers=None)
    findings = diagnose(home=settings.home, cache_dir=settings.models)
    if arguments.json:
        _print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{'fine' if finding.ok else 'MEND'}  {finding.name}: {finding.detail}")
            if finding.mend:
                print(f"      {finding.mend}")
    return OK if all(finding.ok for finding in findings) else TROUBLE


def serve(arguments: argparse.Namespace) -> int:
    """`montage serve`: the HTTP API on this machine."""
    from functions.local.server import serve  # no other command waits for a web server to be loaded

    return serve(arguments, _settings(workers=None))


def sample(arguments: argparse.Namespace) -> int:
    """`montage sample`: make the sample film, unless it is there, and print where it is."""
    settings = _settings(workers=None)
    with closing(display(is_quiet=arguments.json)) as shown:
        film = ensure_sample(
            cache_dir=settings.models,
            on_progress=_fetching(shown),
            on_making=lambda: shown.say("Putting the sample together (some seconds)"),
        )
        shown.say("The sample is made of:")
        for each in made_of():
            shown.say(f"  {each.credit} ({each.licence}; {each.sources[0].label})")
    if arguments.json:
        files = [
            {"credit": each.credit, "licence": each.licence, "source": each.sources[0].label} for each in made_of()
        ]
        _print_json({"path": str(film), "made_of": files})
    else:
        print(film)
    return OK


def version(arguments: argparse.Namespace) -> int:
    """`montage --version`."""
    if arguments.json:
        _print_json({"version": own_version()})
    else:
        print(f"montage {own_version()}")
    return OK


def _see_through(
    cloud: LocalCloud,
    settings: Settings,
    begun: Sequence[str | Outcome],
    arguments: argparse.Namespace,
    shown: Display,
    *,
    is_list: bool,
) -> int:
    """Follow the jobs to their end, tell what came of them and return the exit code."""
    interrupts = Interrupts()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupts.ask)
    job_ids = [each for each in begun if isinstance(each, str)]
    try:
        ended = iter(follow(cloud, settings, job_ids, shown, interrupts))
        outcomes = [next(ended) if isinstance(each, str) else each for each in begun]
        code = exit_code(outcomes)
    except KeyboardInterrupt:
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signal_number, signal.SIG_IGN)  # children are being ended; another Ctrl-C changes nothing
        cloud.close()
        outcomes = [now_of(cloud, each) if isinstance(each, str) else each for each in begun]
        code = INTERRUPTED
    shown.close()
    _tell(outcomes, arguments, is_list=is_list)
    if code == OK and getattr(arguments, "open", False):
        webbrowser.open(Path(outcomes[0].outputs["reel"]).as_uri())
    return code


def _tell(outcomes: Sequence[Outcome], arguments: argparse.Namespace, *, is_list: bool) -> None:
    if arguments.json:
        told = [outcome.to_dict() for outcome in outcomes]
        _print_json(told if is_list else told[0])
        return
    is_quiet = getattr(arguments, "quiet", False)
    for outcome in outcomes:
        if outcome.exit_code != OK:
            print(outcome.sentence(), file=sys.stderr)
        elif not is_quiet:
            for warning in outcome.warnings:
                name = Path(outcome.source).name
                said = warning.message if warning.message.startswith(name) else f"{name}: {warning.message}"
                print(printable(said), file=sys.stderr)
            print(outcome.sentence())


def _ready(settings: Settings, shown: Display, mode: Mode) -> LocalCloud:
    """Return the machine's cloud, once everything the mode's tasks need is there. Raises MontageError."""
    stages = STAGES_OF[mode]
    missing = missing_packages() if "pose" in stages else []
    if missing:
        raise MontageError(
            "system_library_missing",
            "System libraries are missing, without which movement cannot be looked for (--mode speech can do without); "
            f"install them: {apt_line(missing)}",
        )
    for name in stage_models(stages):
        _fetch(name, settings, shown)
    return connect_local(settings)


def _fetch(name: str, settings: Settings, shown: Display) -> None:
    ensure(name, cache_dir=settings.models, on_progress=_fetching(shown))


def _fetching(shown: Display) -> Callable[[Progress], None]:
    """Return what tells people of a download: its source and size, and then each quarter."""
    last_told: list[float] = []

    def tell(progress: Progress) -> None:
        share = min(1.0, progress.done_bytes / max(1, progress.total_bytes))
        if progress.done_bytes == 0:
            last_told[:] = []
            size = f"{progress.total_bytes / MIB:.1f} MiB"
            shown.say(f"Fetching {progress.model} ({size}, checked by its hash) from {progress.source}")
        elif not last_told or share >= last_told[0] + 0.25:
            last_told[:] = [share]
            shown.say(f"Fetching {progress.model}: {share:.0%}")

    return tell


def _settings(*, workers: int | None) -> Settings:
    settings = Settings() if workers is None else Settings(workers=workers)
    settings.home.mkdir(parents=True, exist_ok=True)
    logs.set_up((settings.home / "montage.log").open("a", encoding="utf-8"))
    return settings


def _trouble(arguments: argparse.Namespace, error_code: str, message: str, *, code: int = TROUBLE) -> int:
    """Tell of what stopped the whole command, in the form the caller asked for, and return the exit code."""
    if arguments.json:
        trouble = [refused(video, error_code, message).to_dict() for video in _videos(arguments)]
        _print_json(trouble if len(trouble) > 1 else trouble[0])
    else:
        print(f"montage: {printable(message)} [{error_code}]", file=sys.stderr)
    return code


def _videos(arguments: argparse.Namespace) -> list[str]:
    """Return the sources that the command was given, [""] for a command that takes none."""
    return getattr(arguments, "videos", None) or [getattr(arguments, "video", "")]


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


COMMANDS: Mapping[str, Command] = {
    "run": run,
    "render": render,
    "jobs": jobs,
    "job": job,
    "cancel": cancel,
    "erase": erase,
    "retry": retry,
    "models": models,
    "dead-letters": lambda arguments: dead_letters(arguments, _settings(workers=None)),
    "keys": lambda arguments: keys(arguments, _settings(workers=None)),
    "serve": serve,
    "sample": sample,
    "doctor": doctor,
    "version": version,
}
