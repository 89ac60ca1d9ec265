"""rep.randomizer: materials, textures, colours, turns, scattering and instances, drawn at each evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom

from . import _modify, _usd
from ._create import _looks, _one_texture
from ._nodes import Distribution, Node, ReplicatorItem, new_path, per_prim, plain
from ._rep import Rep


def register_into(rep: Rep, kind: str, module: Callable[[], Any]) -> Callable[..., None]:
    """The body of ``rep.<kind>.register``: the function becomes a name of the module, for the whole process."""

    def register(fn: Any, override: bool, fn_name: str | None) -> None:
        if not callable(fn):
            raise TypeError(f"{kind}.register takes a function, got {type(fn).__name__}")
        name = fn_name or fn.__name__
        known = module().__dict__
        if name in known and not (override and getattr(known[name], "registered", False)):
            raise ValueError(f"{kind}.{name} exists already; registered names are global, prefix yours")

        def call(*args: Any, **kwargs: Any) -> ReplicatorItem:
            rep.kit.journal.add(f"omni.replicator.core.{kind}.{name}", {"args": args, **kwargs})
            result = fn(*args, **kwargs)
            if not isinstance(result, (ReplicatorItem, Node)):
                raise ValueError(f"{kind}.{name} must return an item or its node, got {type(result).__name__}")
            return result if isinstance(result, ReplicatorItem) else ReplicatorItem(rep, result)

        call.registered = True  # type: ignore[attr-defined]
        known[name] = call

    return register


def surface_points(
    rng: np.random.Generator, surfaces: list[Usd.Prim], count: int, offset: float, low: Any, high: Any
) -> list[tuple[float, ...]]:
    """Points on meshes, spread by area and within bounds, ``offset`` along the normal.

    Raises:
        ValueError: a surface is no mesh, or no point lies within the bounds.
    """
    corners = []
    for prim in surfaces:
        meshes = [p for p in Usd.PrimRange(prim) if p.IsA(UsdGeom.Mesh)]
        if not meshes:
            raise ValueError(f"the surface {prim.GetPath()} ({prim.GetTypeName()}) is no mesh")
        corners += [triangles(mesh) for mesh in meshes]
    tris = np.concatenate(corners)
    normals = np.cross(tris[:, 1] - tris[:, 0], tris[:, 2] - tris[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    found: list[tuple[float, ...]] = []
    for _ in range(1000):
        i = rng.choice(len(tris), p=areas / areas.sum())
        u, v = rng.random(2)
        if u + v > 1.0:
            u, v = 1.0 - u, 1.0 - v
        point = tris[i, 0] + u * (tris[i, 1] - tris[i, 0]) + v * (tris[i, 2] - tris[i, 0])
        point = point + offset * normals[i] / areas[i]
        if all((a is None or p >= a) and (b is None or p <= b) for p, a, b in zip(point, low, high, strict=True)):
            found.append(tuple(point.tolist()))
        if len(found) == count:
            return found
    raise ValueError(f"scatter_2d: of {count} points only {len(found)} lie within {low} and {high}")


def triangles(mesh: Usd.Prim) -> np.ndarray:
    """A mesh's triangles in the world, ``(n, 3, 3)``."""
    geometry = UsdGeom.Mesh(mesh)
    points = np.asarray(geometry.GetPointsAttr().Get() or np.zeros((0, 3)), float)
    matrix = np.asarray(_usd.world(mesh))
    points = points @ matrix[:3, :3] + matrix[3, :3]
    corners, start, indices = [], 0, np.asarray(geometry.GetFaceVertexIndicesAttr().Get() or [], int)
    for size in geometry.GetFaceVertexCountsAttr().Get() or []:
        face = indices[start : start + size]
        corners += [(face[0], face[i], face[i + 1]) for i in range(1, size - 1)]
        start += size
    return points[np.asarray(corners, int).reshape(-1, 3)]


def radius_of(prim: Usd.Prim) -> float:
    """The radius of a sphere about the prim."""
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_])
    return 0.5 * cache.ComputeWorldBound(prim).ComputeAlignedRange().GetSize().GetLength()


def spread(points: Callable[[], tuple[float, ...]], prims: list[Usd.Prim], others: list[Usd.Prim], check: bool) -> None:
    """Places prims at drawn points; with ``check`` again until their spheres touch none that stands."""
    taken = [(np.asarray(_usd.world(p).ExtractTranslation()), radius_of(p)) for p in others]
    for prim in prims:
        parent = _usd.world(prim.GetParent()).GetInverse() if prim.GetParent() else Gf.Matrix4d(1.0)
        size = radius_of(prim)
        for _ in range(1000):
            point = points()
            free = all(np.linalg.norm(np.asarray(point) - p) > r + size for p, r in taken)
            if free or not (check or others):
                break
        else:
            raise ValueError(f"scatter: no free place for {prim.GetPath()} after 1000 attempts")
        _usd.write_pose(prim, position=tuple(parent.Transform(Gf.Vec3d(*point))))
        if check:
            taken.append((np.asarray(point), size))


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def sampler(kind: str, seed: int | None) -> Callable[[], np.random.Generator]:
        """A generator that begins anew with the orchestrator."""
        held = Distribution(rep, kind, lambda rng, n: [rng] * n, seed, 0)
        return lambda: held.sample(1)[0]

    def targets(what: str, input_prims: Any) -> Callable[[], list[Usd.Prim]]:
        return rep.graph.prims_in(f"randomizer.{what}", input_prims)

    def own_materials(prims: list[Usd.Prim], held: dict[str, Usd.Prim]) -> list[Usd.Prim]:
        for prim in prims:
            key = str(prim.GetPath())
            if key not in held or not held[key].IsValid():
                held[key] = _usd.make_material(rep.stage(), new_path(rep, _looks(rep), "OmniPBR"), {})
                _usd.bind_material(prim, held[key])
        return [held[str(prim.GetPath())] for prim in prims]

    def materials(
        materials: Any, seed: int | None, max_cached_materials: int, input_prims: Any, name: str | None
    ) -> ReplicatorItem:
        prims = targets("materials", input_prims)
        given = _modify.materials_of(rep, "randomizer.materials", materials)
        draw = None if isinstance(given, Distribution) else sampler("materials", seed)

        def act(found: list[Usd.Prim]) -> None:
            if draw is None:
                picked = [rep.stage().GetPrimAtPath(path) for path in given.sample(len(found))]
            else:
                pool = given.prims_now() if isinstance(given, ReplicatorItem) else [
                    rep.stage().GetPrimAtPath(path) for path in given
                ]  # fmt: skip
                picked = [pool[i] for i in draw().integers(len(pool), size=len(found))]
            for prim, material in zip(found, picked, strict=True):
                _usd.bind_material(prim, material)

        return ReplicatorItem(rep, _modify.add_node(rep, "randomizer_materials", prims, act), prims)

    def texture(
        textures: Any, texture_scale: Any, texture_rotate: Any, per_sub_mesh: bool, project_uvw: bool,
        seed: int | None, input_prims: Any,
    ) -> ReplicatorItem:  # fmt: skip
        _whole("texture", per_sub_mesh, project_uvw)
        prims, held = targets("texture", input_prims), {}
        plain("randomizer.texture", textures)
        if not isinstance(textures, Distribution) and (not isinstance(textures, list) or not textures):
            raise TypeError(f"randomizer.texture takes a list of files or a distribution, got {textures!r}")
        check = _one_texture(rep)
        for one in [] if isinstance(textures, Distribution) else textures:
            check("randomizer.texture", one)
        draw = None if isinstance(textures, Distribution) else sampler("texture", seed)

        def act(found: list[Usd.Prim]) -> None:
            n = len(found)
            files = (
                textures.sample(n) if draw is None else [textures[i] for i in draw().integers(len(textures), size=n)]
            )
            for material, file in zip(own_materials(found, held), files, strict=True):
                _usd.set_shader_input(_usd.shader_of(material), "diffuse_texture", check("randomizer.texture", file))
            for name, value in (("texture_scale", texture_scale), ("texture_rotate", texture_rotate)):
                if value is not None:
                    for material, v in zip(own_materials(found, held), per_prim(name, value, n, _any), strict=True):
                        _usd.set_shader_input(_usd.shader_of(material), name, v)

        return ReplicatorItem(rep, _modify.add_node(rep, "randomizer_texture", prims, act), prims)

    def color(colors: Any, per_sub_mesh: bool, seed: int | None, input_prims: Any) -> ReplicatorItem:
        _whole("color", per_sub_mesh)
        prims, held = targets("color", input_prims), {}
        plain("randomizer.color", colors)
        if isinstance(colors, Distribution) and colors.width != 3:
            raise ValueError("randomizer.color takes a distribution of three numbers")
        draw = sampler("color", seed) if isinstance(colors, list) else None

        def act(found: list[Usd.Prim]) -> None:
            if draw is not None:
                picked = [colors[i] for i in draw().integers(len(colors), size=len(found))]
            else:
                picked = per_prim("randomizer.color", colors, len(found), _modify.one_vector)
            for material, rgb in zip(own_materials(found, held), picked, strict=True):
                _usd.set_shader_input(_usd.shader_of(material), "diffuse_color_constant", tuple(rgb))

        return ReplicatorItem(rep, _modify.add_node(rep, "randomizer_color", prims, act), prims)

    def rotation(min_angle: Any, max_angle: Any, seed: int | None, input_prims: Any) -> ReplicatorItem:
        prims = targets("rotation", input_prims)
        low, high = _usd.vector("min_angle", min_angle), _usd.vector("max_angle", max_angle)
        draw = sampler("rotation", seed)

        def act(found: list[Usd.Prim]) -> None:
            for prim in found:
                _usd.write_pose(prim, rotation=tuple(draw().uniform(low, high).tolist()))

        return ReplicatorItem(rep, _modify.add_node(rep, "randomizer_rotation", prims, act), prims)

    def scatter_2d(
        surface_prims: Any, no_coll_prims: Any, min_samp: Any, max_samp: Any, seed: int | None, offset: float,
        check_for_collisions: bool, input_prims: Any, name: str | None,
    ) -> ReplicatorItem:  # fmt: skip
        prims = targets("scatter_2d", input_prims)
        surfaces = rep.graph.as_prims("randomizer.scatter_2d(surface_prims=)", surface_prims)
        others = rep.graph.as_prims("no_coll_prims", no_coll_prims) if no_coll_prims is not None else lambda: []
        for prim in surfaces():
            if not any(p.IsA(UsdGeom.Mesh) for p in Usd.PrimRange(prim)):
                raise ValueError(f"scatter_2d: the surface {prim.GetPath()} is no mesh")
        draw = sampler("scatter_2d", seed)

        def act(found: list[Usd.Prim]) -> None:
            one = lambda: surface_points(draw(), surfaces(), 1, float(offset), min_samp, max_samp)[0]  # noqa: E731
            spread(one, found, others(), check_for_collisions)

        return ReplicatorItem(rep, _modify.add_node(rep, "scatter_2d", prims, act), prims)

    def instantiate(
        paths: Any, size: Any, weights: Any, mode: str, with_replacements: bool, seed: int | None, name: str | None,
        use_cache: bool, semantics: Any,
    ) -> ReplicatorItem:  # fmt: skip
        if mode not in ("scene_instance", "point_instance", "reference"):
            raise ValueError(f"instantiate: mode {mode!r}: scene_instance, point_instance or reference")
        if mode == "point_instance" or isinstance(size, Distribution):
            raise NotImplementedError(
                "instantiate with point instances or a sampled size: the stand-in does not play it"
            )
        if not isinstance(paths, list) or not paths or type(size) is not int or size < 1:
            raise ValueError(f"instantiate takes a list of assets and a whole size, got {paths!r}, {size!r}")
        if not with_replacements and size > len(paths):
            raise ValueError(f"instantiate: {size} of {len(paths)} without replacement")
        draw = sampler("instantiate", seed)
        pool = [
            rep.stage().DefinePrim(new_path(rep, None, f"{name or 'Instance'}_Xform"), "Xform") for _ in range(size)
        ]
        chances = None if weights is None else np.asarray(weights, float) / float(sum(weights))

        def act(found: list[Usd.Prim]) -> None:
            for prim, i in zip(found, draw().choice(len(paths), size, with_replacements, chances), strict=True):
                prim.GetReferences().ClearReferences()
                asset = str(paths[i])
                if rep.stage().GetPrimAtPath(asset) if asset.startswith("/") else None:
                    prim.GetReferences().AddInternalReference(asset)
                else:
                    prim.GetReferences().AddReference(asset)
                prim.SetInstanceable(mode == "scene_instance")
                if semantics is not None:
                    _usd.set_labels(prim, semantics)

        get = lambda: [p for p in pool if p.IsValid()]  # noqa: E731
        return ReplicatorItem(rep, _modify.add_node(rep, "instantiate", get, act), get)

    bodies: dict[str, Callable[..., Any]] = {
        "materials": materials,
        "texture": texture,
        "color": color,
        "rotation": rotation,
        "scatter_2d": scatter_2d,
        "instantiate": instantiate,
    }
    return rep.functions("randomizer", {**bodies, **rep.unplayed("randomizer", "scatter_3d")})


def _whole(what: str, *flags: bool) -> None:
    if any(flags):
        raise NotImplementedError(f"randomizer.{what} of sub-meshes or projected: the stand-in does not play it")


def _any(_: str, value: Any) -> Any:
    return value
