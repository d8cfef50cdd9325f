"""Makes plugins of the names in the settings: hooks checked against their specification, settings validated.

Everything that is wrong is a SettingsError before anything runs: a misspelt hook must not be a veto that never comes.
"""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import BaseModel, ValidationError

from shomare_mqtt.errors import SettingsError
from shomare_mqtt.plugin import hookspecs
from shomare_mqtt.plugin.finding import Found, check_directories, digest, find

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.config.held import Plugins


@dataclass(frozen=True, slots=True)
class Hook:
    """One plugin's implementation of a hook; `arguments` are those of the specification that it wants."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.function))

    @property
    def decides(self) -> bool:
        """Whether the daemon waits for what it returns."""
        return self.name in hookspecs.DECIDING

    def bound(self, given: Mapping[str, Any]) -> Callable[[], Any]:
        """The call with what it wants of the arguments given."""
        return partial(self.function, **{name: given[name] for name in self.arguments})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin that is ready to be started. `home`: the file or folder of its code; `code`: a digest of that."""

    name: str
    version: str | None
    hooks: Mapping[str, Hook]
    settings: BaseModel | None
    home: str
    code: str = ""

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """What is equal for two that do the same: the settings hold what was read from files that they name."""
        try:
            values: object = None if self.settings is None else _plain(self.settings.model_dump())
        except Exception:  # noqa: BLE001 - a stranger's code
            values = object()
        return self.name, self.version, self.home, self.code, values


def _plain(value: Any) -> Any:
    """Values of settings without the plugin's own enumerations: each import of it has others, which never are equal."""
    match value:
        case Enum():
            return value.name, value.value
        case dict():
            return {_plain(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def load_plugins(settings: Plugins, logger: logging.Logger | None) -> tuple[Loaded, ...]:
    """Every plugin named in `plugins.enabled`, in that order; `logger` is told who may write them.

    Raises SettingsError.
    """
    if not settings.enabled:
        return ()
    try:
        check_directories(settings.directories)
        _refuse_nearly_named(settings)
        names = dict.fromkeys(settings.enabled)
        return tuple(make(name, find(name, settings.directories, logger), settings.of(name)) for name in names)
    except SettingsError as error:
        from shomare_mqtt.config.mistakes import placed  # noqa: PLC0415 - needed where something is wrong

        raise placed(error, settings.file) from None


def _refuse_nearly_named(settings: Plugins) -> None:
    """A table of settings whose plugin is misspelt: what it says, a guard perhaps, would count for nobody."""
    without = [name for name in settings.enabled if name not in settings.tables]
    for table in settings.tables:
        near = difflib.get_close_matches(table, without, n=1, cutoff=0.8)
        if table not in settings.enabled and near:
            raise SettingsError(f"plugins.{table}: no plugin of this name is enabled (did you mean {near[0]}?)")


def make(name: str, found: Found, table: Mapping[str, Any]) -> Loaded:
    """A plugin of what was imported and its table of settings. Raises SettingsError."""
    hooks = {hook.name: hook for hook in _hooks(name, found)}
    if not hooks:
        raise SettingsError(f"plugins.enabled: plugin {name} has no hook")
    return Loaded(name, found.version, hooks, _settings(name, found, table), found.home, digest(found.home))


class _Registry(pluggy.PluginManager):
    """pluggy, which takes unmarked functions with the prefix as well: a forgotten marker is no forgotten veto."""

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        """The options of a marked function, or of one that is named like a hook."""
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name.startswith(hookspecs.PREFIX) and _is_function(plugin, name):
            return hookspecs.hookimpl(lambda: None).shomare_mqtt_impl  # type: ignore[attr-defined, no-any-return]
        return options


def _is_function(owner: Any, name: str) -> bool:
    held = inspect.getattr_static(owner, name, None)
    return inspect.isfunction(held) or isinstance(held, staticmethod | classmethod)


def _hooks(name: str, found: Found) -> Iterator[Hook]:
    registry = _Registry()
    try:
        registry.register(found.target, name)
        _refuse_unknown(name, registry)
        _refuse_no_functions(name, found.target, registry)
        registry.check_pending()
    except pluggy.PluginValidationError as error:
        raise SettingsError(f"plugins.enabled: {' '.join(str(error).split())}") from None
    _refuse_hidden(name, found)
    for hook in sorted(hookspecs.HOOKS):
        for implementation in getattr(registry.hook, hook).get_hookimpls():
            yield _hook(name, hook, implementation)


def _refuse_unknown(name: str, registry: _Registry) -> None:
    for hook in vars(registry.hook):
        if not hook.startswith("_") and hook not in hookspecs.HOOKS:
            near = difflib.get_close_matches(hook, sorted(hookspecs.HOOKS), n=1)
            meant = f" (is {near[0]} meant?)" if near else ""
            raise SettingsError(f"plugins.enabled: plugin {name}: there is no hook {hook}{meant}")


def _refuse_no_functions(name: str, target: Any, registry: _Registry) -> None:
    """What is named like a hook, can be called, and is nothing that pluggy takes for one (a partial, say)."""
    taken = {hook.name for hook in registry.get_hookcallers(target) or ()}
    for attribute in dir(target):
        held = inspect.getattr_static(target, attribute, None)
        if attribute.startswith(hookspecs.PREFIX) and attribute not in taken and callable(held):
            raise SettingsError(f"plugins.enabled: plugin {name}: {attribute} is no function")


def _refuse_hidden(name: str, found: Found) -> None:
    """Hooks of a module that are not called, since an object in it is the plugin."""
    if found.target is found.module or found.module is None:
        return
    for hook in vars(found.module):
        if hook in hookspecs.HOOKS and _is_function(found.module, hook):
            raise SettingsError(
                f"plugins.enabled: plugin {name}: {hook} stands beside the plugin object and is never called"
            )


def _hook(plugin: str, name: str, implementation: pluggy.HookImpl) -> Hook:
    function = implementation.function
    if implementation.hookwrapper or implementation.wrapper:
        raise SettingsError(f"plugins.enabled: plugin {plugin}: {name} is a wrapper, which hooks here cannot be")
    wanted = inspect.signature(function).parameters.values()
    specified = tuple(inspect.signature(getattr(hookspecs, name)).parameters)
    for parameter in wanted:
        given = parameter.name in specified and parameter.kind is not parameter.POSITIONAL_ONLY
        free = parameter.default is not parameter.empty or parameter.kind is parameter.VAR_POSITIONAL
        if not given and not free and parameter.kind is not parameter.VAR_KEYWORD:
            raise SettingsError(
                f"plugins.enabled: plugin {plugin}: {name} has an argument {parameter.name}, "
                f"its arguments are ({', '.join(specified)})"
            )
    takes_all = any(p.kind is p.VAR_KEYWORD for p in wanted)
    hook = Hook(name, function, specified if takes_all else tuple(p.name for p in wanted if p.name in specified))
    if name in hookspecs.DECIDING and (hook.is_async or inspect.isasyncgenfunction(function)):
        raise SettingsError(f"plugins.enabled: plugin {plugin}: {name} decides, so it cannot be async")
    return hook


def _settings(name: str, found: Found, table: Mapping[str, Any]) -> BaseModel | None:
    model = getattr(found.target, "Settings", None) or getattr(found.module, "Settings", None)
    if model is None:
        if table:
            raise SettingsError(f"plugins.{name}.{next(iter(table))}: unknown key (the plugin {name} has no settings)")
        return None
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        raise SettingsError(f"plugins.enabled: plugin {name}: its Settings is no pydantic model")
    _refuse_unknown_keys(name, model, table)
    return _validated(name, model, table)


def _refuse_unknown_keys(name: str, model: type[BaseModel], table: Mapping[str, Any]) -> None:
    """What pydantic ignores unless told: a misspelt key must not silently be a default."""
    if model.model_config.get("extra") == "allow":
        return
    known = set(model.model_fields) | {f.alias for f in model.model_fields.values() if f.alias}
    unknown = [key for key in table if key not in known]
    if unknown:
        are = f"(known are {', '.join(sorted(known)) or 'none'})"
        raise SettingsError(*(f"plugins.{name}.{key}: unknown key {are}" for key in unknown))


def _validated(name: str, model: type[BaseModel], table: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise SettingsError(*(_line(name, each["loc"], each["type"], each["msg"]) for each in found)) from None
    except Exception as error:  # noqa: BLE001 - a stranger's validator
        raise SettingsError(f"plugins.{name}: {error if isinstance(error, SettingsError) else _kind(error)}") from None


def _line(name: str, location: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(["plugins", name, *map(str, location)])
    what = "is missing" if kind == "missing" else message.removeprefix("Value error, ")
    return " ".join(f"{where}: {what}".split())


def _kind(error: Exception) -> str:
    """A stranger's error may repeat a secret of the table: only its kind is told."""
    return f"its settings cannot be validated ({type(error).__name__})"
