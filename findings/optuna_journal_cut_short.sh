#!/usr/bin/env bash
# Optuna 5.0.0: a journal whose writer was killed in the middle of a line is lost by the next write.
#
# `JournalFileBackend.read_logs` takes a last line without its end for one that is still being written, and leaves it
# out. `append_logs` however appends right behind it: both become one line that is no JSON. The study goes on as long as
# that line is the last one, and the write after it makes the file unreadable for good.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "optuna==5.0.0"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

optuna.logging.set_verbosity(optuna.logging.ERROR)


def study():
    storage = JournalStorage(JournalFileBackend("study.log"))
    return optuna.create_study(study_name="s", storage=storage, load_if_exists=True)


study().optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
with open("study.log", "ab") as stream:  # what a kill, or a full disk, leaves of a line
    stream.write(b'{"op_code":4,"worker')
assert len(study().trials) == 2, "the half line is left out"
try:
    study().optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    found = len(study().trials)
except Exception as problem:
    print(f"optuna {optuna.__version__}: {type(problem).__name__}: {problem}")
else:
    raise SystemExit(f"optuna {optuna.__version__} goes on with {found} trials")
PYTHON
