"""`hagan submit`: the script is sound bash, and its job goes on when its time is up."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tyro

from cli.test_train import make_store
from hagan.cli.submit import Submit
from hagan.cli.train import Train
from hagan.errors import UsageError

TRAIN = '--train=--batch-size 8 --set model.width=8 "training.log_every=5"'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("a cohort"), range(2))


def submit(store: Path, run: Path | str, *more: str) -> Submit:
    words = ["hagan-tiny-32", "--store", str(store), "--run", str(run), *more]
    return tyro.cli(Submit, args=words)


def printed(command: Submit, capsys: pytest.CaptureFixture[str]) -> str:
    assert command.run() == 0
    return capsys.readouterr().out


def directives(script: str) -> dict[str, str]:
    lines = [
        line.removeprefix("#SBATCH --")
        for line in script.splitlines()
        if line.startswith("#SBATCH")
    ]
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def test_dry_run_prints_a_whole_script_and_writes_nothing(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "it's 100% $HOME; run"
    more = ("--nodes", "2", "--gpus", "4", "--time", "2-00:00:00", "--partition", "gpu,big")
    script = printed(submit(store, run, TRAIN, *more, "--dry-run"), capsys)
    assert not run.exists()
    told = directives(script)
    assert (told["nodes"], told["ntasks-per-node"], told["gpus-per-node"]) == ("2", "4", "4")
    assert (told["time"], told["partition"]) == ("2-00:00:00", "gpu,big")
    assert told["signal"] == "B:USR1@120"
    assert "requeue" in told
    assert told["output"] == f'"{run}/logs/%j.out"'.replace("100%", "100%%")
    assert "mem" not in told
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_what_the_processes_run_is_the_train_command_with_its_odd_names(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "it's 100% $HOME; run"
    script = printed(submit(store, run, TRAIN, "--dry-run"), capsys)
    (line,) = [line for line in script.splitlines() if " train " in line and line.endswith("&")]
    words = shlex.split(line.removesuffix("&"))
    assert words[:4] == [sys.executable, "-m", "hagan", "train"]
    command = tyro.cli(Train, args=words[4:])
    assert (command.store, command.folder) == (store.resolve(), run.resolve())
    assert command.batch_size == 8
    assert command.set == ("model.width=8", "training.log_every=5")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--partition", "a\n#SBATCH --uid=0"), "--partition"),
        (("--account", "a b"), "--account"),
        (("--time", "soon"), "--time 'soon' must look like"),
        (("--memory", "64 G"), "--memory"),
        (("--nodes", "0"), "--nodes must be at least 1"),
        (("--gpus", "-1"), "--gpus must be at least 0"),
        (("--train=--batch-size '8",), "--train"),
        (("--train=--steps 5\n--seed 1",), "--train"),
        (("--nodes", "8"), "8 processes cannot share batches of 4"),
        (("--train=--fold 9",), "like 0/5"),
    ],
)
def test_what_no_job_could_run_is_refused(
    more: tuple[str, ...], says: str, store: Path, tmp_path: Path
) -> None:
    command = submit(store, tmp_path / "run", *more)
    with pytest.raises(UsageError, match=says) as caught:
        command.run()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["a\nb", 'a"b', "a\\b", "a\x1bb"])
def test_folders_that_the_script_cannot_name_are_refused(
    name: str, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--run") as caught:
        submit(store, tmp_path / name).run()
    assert "\n" not in str(caught.value)


def test_without_sbatch_it_says_so(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no sbatch on the PATH"):
        submit(store, tmp_path / "run").run()
    assert not (tmp_path / "run").exists()


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Programs of a cluster that note what they are asked."""
    folder.mkdir()
    for name, body in scripts.items():
        path = folder / name
        path.write_text(
            f'#!/bin/bash\necho "{name} $*" >> {shlex.quote(str(folder))}/asked\n{body}\n'
        )
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "node[1-2]")


def test_the_script_is_kept_in_the_run_and_given_to_sbatch(
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs(tmp_path / "bin", monkeypatch, sbatch='echo "Submitted batch job 77"')
    run = tmp_path / "run"
    out = printed(submit(store, run), capsys)
    assert "Submitted batch job 77" in out
    assert (run / "submit.sh").read_text().startswith("#!/bin/bash")
    assert (run / "logs").is_dir()
    assert (tmp_path / "bin" / "asked").read_text() == f"sbatch {run}/submit.sh\n"


def test_what_sbatch_says_is_told(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "bin", monkeypatch, sbatch="echo 'error: invalid\npartition' >&2; exit 1")
    with pytest.raises(UsageError, match=r"sbatch refused .*: error: invalid partition"):
        submit(store, tmp_path / "run").run()


@pytest.mark.parametrize(
    ("step", "in_time", "code", "requeued"),
    [
        ("sleep 60", False, 130, True),
        ("exit 0", True, 0, False),
        ("exit 6", True, 6, False),
        ("exit 130", True, 130, False),
    ],
    ids=["time is up", "done", "diverged", "ended by hand"],
)
def test_the_job_queues_again_only_when_its_time_was_up(
    step: str,
    in_time: bool,
    code: int,
    requeued: bool,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The script runs in bash; `scancel` gives TERM to what `srun` started, as SLURM does."""
    folder = tmp_path / "bin"
    pid = shlex.quote(str(folder / "pid"))
    programs(
        folder,
        monkeypatch,
        srun=f"trap 'kill $!; sleep 0.3; exit 130' TERM\necho $$ > {pid}\n{step} & wait $!",
        scancel=f"kill -TERM $(cat {pid})",
        scontrol='[ "$1" = show ] && printf "node1\\nnode2\\n"; exit 0',
    )
    if in_time:
        programs_step = folder / "srun"
        programs_step.write_text(f"#!/bin/bash\n{step}\n")
    script = tmp_path / "job.sh"
    script.write_text(printed(submit(store, tmp_path / "run", "--dry-run"), capsys))
    job = subprocess.Popen(["bash", str(script)])
    try:
        if not in_time:
            deadline = time.monotonic() + 20
            while not (folder / "pid").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            job.send_signal(signal.SIGUSR1)
        assert job.wait(timeout=20) == code
    finally:
        job.kill()
        job.wait()
    asked = (folder / "asked").read_text()
    assert "scontrol show hostnames node[1-2]" in asked
    assert ("scontrol requeue 77" in asked) == requeued
    assert ("scancel --signal=TERM 77" in asked) == (not in_time)
