"""Where plugins come from: the directories of the settings, entry points, and those we ship, in this order, by name."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import shomare_mqtt
from shomare_mqtt.config import rights
from shomare_mqtt.errors import SettingsError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator

ENTRY_POINTS = "shomare_mqtt"
MODULES = "shomare_plugin_"
"""What the names of modules begin with that are imported from a file or a folder."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MOST_SAID = 5
_RESERVED = frozenset({"enabled", "directories"})


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that was imported. `target` holds its hooks, `home` is the file or the folder its code lies in."""

    target: Any
    module: ModuleType | None
    version: str | None
    home: str


def find(name: str, directories: Iterable[Path], logger: logging.Logger | None) -> Found:
    """Imports one plugin. Raises SettingsError where there is none of that name, or it cannot be imported.

    `logger` is told who else may write it.
    """
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise SettingsError(f"plugins.enabled: {name!r} cannot be a plugin's name (letters, digits, _ and -)")
    places = tuple(directories)
    for path in _files(name, places):
        if logger is not None:
            _warn_if_open(name, path, logger)
        return _imported(name, partial(_import_file, name, path))
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS, name=name):
        found = _imported(name, entry.load, entry.dist.version if entry.dist else None)
        if logger is not None and (file := getattr(found.module, "__file__", None)):
            _warn_if_open(name, Path(file), logger)
        return found
    for path in _files(name, _shipped()):
        return _imported(name, partial(_import_file, name, path), shomare_mqtt.__version__)
    looked = ", ".join(["the entry points", "the plugins that come with the daemon", *map(str, places)])
    raise SettingsError(f"plugins.enabled: there is no plugin {name} (looked in {looked})")


def found_in(target: Any, version: str | None = None) -> Found:
    """What a module, a class or an object brings as a plugin."""
    module = target if isinstance(target, ModuleType) else inspect.getmodule(target)
    chosen = _target(target)
    version = version or getattr(module, "__version__", None)
    return Found(chosen, module, None if version is None else str(version), _home(module))


def check_directories(directories: Iterable[Path]) -> None:
    """Raises SettingsError for one that is not there."""
    for path in directories:
        if not path.is_dir():
            raise SettingsError(f"plugins.directories: {path} is not a directory")


def _shipped() -> tuple[Path, ...]:
    """A wheel carries our plugins inside the package; in a checkout they lie beside it, as a user's would."""
    package = Path(shomare_mqtt.__file__).parent
    inside, beside = package / "shipped_plugins", package.parent / "plugins"
    if inside.is_dir():
        return (inside,)
    return (beside,) if (package.parent / "pyproject.toml").is_file() else ()


def _files(name: str, places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        for path in (place / f"{name}.py", place / name / "__init__.py"):
            if path.is_file():
                yield path


def _warn_if_open(name: str, path: Path, logger: logging.Logger) -> None:
    """Say who else may change the plugin; not of our own, which lie with the daemon's code."""
    said = rights.writable(_code(path))
    for text in said[:_MOST_SAID]:
        logger.warning("plugin %s: %s", name, text)
    if len(said) > _MOST_SAID:
        logger.warning("plugin %s: %d more of its files can be changed by others", name, len(said) - _MOST_SAID)


def _code(path: Path) -> Iterator[Path]:
    """All that is run with a plugin: the folder that it is looked for in, its file or package, compiled as well."""
    package = path.parent if path.name == "__init__.py" else None
    yield (package or path).parent
    if package:
        yield from rights.all_in(package)
        return
    compiled = Path(importlib.util.cache_from_source(str(path)))
    yield from (path, *(each for each in (compiled.parent, compiled) if each.exists()))


def _imported(name: str, load: Callable[[], Any], version: str | None = None) -> Found:
    """The one place where a plugin's own import may fail in any way, sys.exit included."""
    try:
        return found_in(load(), version)
    except SettingsError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
        text = " ".join(str(error).split())
        raise SettingsError(
            f"plugins.enabled: plugin {name} cannot be imported ({type(error).__name__}: {text})"
        ) from None


def _import_file(name: str, path: Path) -> ModuleType:
    module_name = f"{MODULES}{name.replace('-', '_')}"
    for each in _of_module(module_name):
        del sys.modules[each]  # else a folder's files would be those of the import before
    folder = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(module_name, path, submodule_search_locations=folder)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = importlib.util.module_from_spec(spec)
    # Annotations and pydantic models look their module up by name while it is imported.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _of_module(name: str) -> list[str]:
    """The names under which Python knows a module, and those in it."""
    return [each for each in sys.modules if each == name or each.startswith(f"{name}.")]


def digest(home: str) -> str:
    """Of the code in a file or folder; two that are the same are the same code, as far as it can be read."""
    path = Path(home)
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    found = hashlib.sha256()
    for file in files:
        with suppress(OSError):
            found.update(f"{file}\0".encode() + file.read_bytes())
    return found.hexdigest()


def _target(target: Any) -> Any:
    """The object that holds the hooks: a module's `plugin` or `Plugin()`, or the module itself."""
    if inspect.isclass(target):
        return target()
    if not isinstance(target, ModuleType):
        return target
    instance = getattr(target, "plugin", None)
    if instance is not None and not isinstance(instance, ModuleType):
        return instance() if inspect.isclass(instance) else instance
    made = getattr(target, "Plugin", None)
    return made() if inspect.isclass(made) else target


def _home(module: ModuleType | None) -> str:
    file = getattr(module, "__file__", None)
    if not file:
        return "<unknown>"
    return f"{Path(file).parent}{os.sep}" if Path(file).name == "__init__.py" else str(file)
