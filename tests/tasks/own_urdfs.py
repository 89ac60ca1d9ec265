"""URDFs that tests write: a quadruped and an arm of boxes and balls, and one box with its inertia."""

BOX = 'ixx="{0:.6g}" ixy="0" ixz="0" iyy="{0:.6g}" iyz="0" izz="{0:.6g}"'


def link(name, mass, half=0.05, shape='<sphere radius="0.02"/>', at="0 0 0", inertia=None):
    """A link with a mass about `at` and one collider there."""
    inertia = inertia or BOX.format(mass * half**2)
    return (
        f'<link name="{name}">\n'
        f'  <inertial><origin xyz="{at}"/><mass value="{mass}"/><inertia {inertia}/></inertial>\n'
        f'  <collision><origin xyz="{at}"/><geometry>{shape}</geometry></collision>\n'
        "</link>\n"
    )


def joint(name, parent, child, at, axis="0 1 0", lower=-2.5, upper=2.5, effort=20.0, kind="revolute"):
    """A joint."""
    return (
        f'<joint name="{name}" type="{kind}">\n'
        f'  <origin xyz="{at}"/><parent link="{parent}"/><child link="{child}"/><axis xyz="{axis}"/>\n'
        f'  <limit lower="{lower}" upper="{upper}" effort="{effort}" velocity="12"/>\n'
        "</joint>\n"
    )


def fixed(name, parent, child, at):
    """A joint that holds."""
    return (
        f'<joint name="{name}" type="fixed">\n'
        f'  <origin xyz="{at}"/><parent link="{parent}"/><child link="{child}"/>\n'
        "</joint>\n"
    )


def quadruped():
    """A dog of 8 kg with twelve joints; its feet are links on fixed joints."""
    parts = [link("base", 5.0, 0.15, '<box size="0.4 0.2 0.1"/>')]
    for leg, x, y in (("FR", 0.2, -0.1), ("FL", 0.2, 0.1), ("HR", -0.2, -0.1), ("HL", -0.2, 0.1)):
        parts += [
            link(f"{leg}_hip", 0.2, 0.03),
            link(f"{leg}_thigh", 0.3, 0.06, '<box size="0.02 0.02 0.15"/>', "0 0 -0.1"),
            link(f"{leg}_shank", 0.2, 0.06, '<box size="0.02 0.02 0.15"/>', "0 0 -0.1"),
            link(f"{leg}_foot", 0.05, 0.02),
            joint(f"{leg}_roll", "base", f"{leg}_hip", f"{x} {y} 0", "1 0 0", -0.8, 0.8),
            joint(f"{leg}_pitch", f"{leg}_hip", f"{leg}_thigh", "0 0 0"),
            joint(f"{leg}_knee", f"{leg}_thigh", f"{leg}_shank", "0 0 -0.2", "0 1 0", -2.6, -0.5),
            fixed(f"{leg}_sole", f"{leg}_shank", f"{leg}_foot", "0 0 -0.2"),
        ]
    return f'<robot name="dog">\n{"".join(parts)}</robot>\n'


def arm():
    """An arm of four joints with a gripper of two fingers, the second of which mimics the first."""
    parts = [
        '<link name="world"/>\n',
        link("foot", 4.0, 0.1, '<cylinder radius="0.08" length="0.1"/>'),
        fixed("mount", "world", "foot", "0 0 0.05"),
    ]
    above, at = "foot", "0 0 0.1"
    for number, axis in enumerate(("0 0 1", "0 1 0", "0 1 0", "0 0 1"), 1):
        parts += [link(f"link{number}", 1.0, 0.08, '<box size="0.05 0.05 0.2"/>', "0 0 0.15")]
        kind = "continuous" if number == 1 else "revolute"
        parts += [joint(f"joint{number}", above, f"link{number}", at, axis, effort=60.0, kind=kind)]
        above, at = f"link{number}", "0 0 0.3"
    for side, y in (("left", 0.02), ("right", -0.02)):
        parts += [link(f"{side}_finger", 0.05, 0.02, '<box size="0.01 0.01 0.05"/>')]
        parts += [
            joint(f"{side}_finger_joint", above, f"{side}_finger", f"0 {y} 0.3", "0 1 0", 0, 0.04, kind="prismatic")
        ]
    text = "".join(parts)
    head, _, tail = text.rpartition("</joint>")
    return f'<robot name="arm_description">\n{head}<mimic joint="left_finger_joint"/></joint>{tail}</robot>\n'
