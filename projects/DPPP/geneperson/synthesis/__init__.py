"""How people and backgrounds are drawn: two protocols, one package for each route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UserError
from .base import Characters, DrawingCost, Route, Synthesizer
from .diffusion.route import DiffusionRoute
from .procedural.route import ProceduralRoute

if TYPE_CHECKING:
    from yacs.config import CfgNode

__all__ = [
    "ROUTES",
    "Characters",
    "DrawingCost",
    "Route",
    "Synthesizer",
    "get_route",
    "unused_sections",
]

# By SYNTHESIS.NAME. Importing a route imports nothing that draws.
ROUTES: dict[str, type[Route]] = {route.name: route for route in (ProceduralRoute, DiffusionRoute)}


def get_route(cfg: CfgNode) -> Route:
    """Resolve the route that ``SYNTHESIS.NAME`` asks for.

    Raises:
        UserError: an unknown name, or settings that the route cannot use.
    """
    name = cfg.SYNTHESIS.NAME
    if name not in ROUTES:
        raise UserError(f"SYNTHESIS.NAME is {name!r}: use one of {', '.join(ROUTES)}")
    return ROUTES[name].from_config(cfg)


def unused_sections(route: Route) -> set[str]:
    """Return the sections of the configuration that only other routes read."""
    return {name for other in ROUTES.values() for name in other.sections} - {*route.sections}
