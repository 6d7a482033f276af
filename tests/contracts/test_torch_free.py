"""The backend, the commands and backtests never load a machine-learning library.

Import-linter sees imports in the source; these tests see what really happens.
"""

import pkgutil
import subprocess
import sys

import ktrdr

BLOCKED = ("torch", "sklearn", "tensorflow", "jax")
TRAINING_SIDE = ("ktrdr.neural", "ktrdr.training")
BLOCKER = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f'{{name}} is blocked', name=name)
sys.meta_path.insert(0, Blocker())
"""


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def is_on_training_side(module: str) -> bool:
    return any(
        module == room or module.startswith(f"{room}.") for room in TRAINING_SIDE
    )


def all_modules() -> list[str]:
    found = pkgutil.walk_packages(ktrdr.__path__, "ktrdr.", onerror=lambda name: None)
    return [module.name for module in found if not module.name.endswith("__main__")]


def test_every_other_module_imports_where_machine_learning_is_blocked():
    modules = [name for name in all_modules() if not is_on_training_side(name)]
    assert len(modules) > 50
    imports = "\n".join(f"import {name}" for name in modules)
    done = run_python(BLOCKER + imports)
    assert done.returncode == 0, done.stderr


def test_blocker_really_blocks():
    done = run_python(BLOCKER + "import ktrdr.neural")
    assert done.returncode != 0
    assert "ktrdr[ml]" in done.stderr


def test_light_modules_load_no_heavy_library():
    heavy = (*BLOCKED, "pandas", "matplotlib", "plotly", "numpy", "pydantic", "talib")
    code = f"import sys, ktrdr.cli.main; print(set({heavy!r}) & set(sys.modules))"
    done = run_python(code)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


def test_help_loads_no_heavy_library():
    code = (
        "import sys; sys.argv = ['ktrdr', '--help']\n"
        "from ktrdr.cli.main import app\n"
        "from ktrdr.cli.border import run\n"
        "code = run(app)\n"
        "heavy = {'torch', 'pandas', 'numpy', 'matplotlib', 'plotly', 'pydantic',"
        " 'httpx', 'psycopg', 'fastapi', 'uvicorn', 'procrastinate', 'obstore'}\n"
        "sys.stderr.write(f'{code} {sorted(heavy & set(sys.modules))}')"
    )
    done = run_python(code)
    assert done.stderr == "0 []", done.stderr
    assert "backtest" in done.stdout
