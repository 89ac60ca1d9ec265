# ruff: noqa: E501
"""Wrong specs: joint distributions, assets, twins, rates, engines and curricula, as in :mod:`spec.bad_specs`."""

from spec.bad_specs import HEAD, MASS, PUSH, adr, signal, term, yaw

YAW = "target: root.yaw, op: add, unit: deg, dist: {uniform: [-20, 20]}"
ARMATURE = "target: joint.armature, op: scale, dist: 1"


def com(dist: str) -> str:
    """Return a spec whose term on a centre of mass has this distribution."""
    return term(f"target: body.com, unit: mm, dist: {dist}")


def with_adr(text: str, fields: str = YAW) -> str:
    """Return a spec with one term ``t`` in line 4 and this curriculum in line 6."""
    return f"{term(fields)}curriculum:\n  adr: {{{text}}}\n"


def stages(text: str) -> str:
    """Return a spec with these stages in line 4."""
    return f"{HEAD}curriculum:\n  stages: {text}\n"


def rates(text: str) -> str:
    """Return a spec with these rates in line 3."""
    return f"{HEAD}rates: {{{text}}}\n"


BAD_RANGES: list[tuple[str, str, list[str]]] = [
    # Beta.
    ("beta list", yaw("{beta: [2, 5]}"), ["terms.t.dist.beta: got a list of 2; give {a: ..., b: ..., low: ..., high: ...}"]),
    ("beta without b", yaw("{beta: {a: 2, low: 0, high: 1}}"), ["terms.t.dist.beta: 'b' is missing"]),
    ("beta of zero", yaw("{beta: {a: 0, b: 2, low: 0, high: 1}}"), ["terms.t.dist.beta: a is 0; give a shape from 0.1 to 1000"]),
    ("beta too sharp", yaw("{beta: {a: 2, b: 1e5, low: 0, high: 1}}"), ["b is 100000; give a shape from 0.1 to 1000"]),
    ("beta backwards", yaw("{beta: {a: 2, b: 2, low: 1, high: 0}}"), ["low 1 is greater than high 0"]),
    ("beta alpha", yaw("{beta: {alpha: 2, b: 2, low: 0, high: 1}}"), ["terms.t.dist.beta.alpha: unknown key", "a, b, low, high"]),
    # Mixtures.
    ("mixture of nothing", yaw("{mixture: []}"), ["terms.t.dist.mixture: parts: give at least one distribution"]),
    ("mixture of a word", yaw("{mixture: uniform}"), ["terms.t.dist.mixture: got 'uniform'; give a list of distributions, or {parts: [...], weights: [...]}"]),
    ("mixture without parts", yaw("{mixture: {weights: [1]}}"), ["terms.t.dist.mixture: 'parts' is missing"]),
    ("mixture in a mixture", yaw("{mixture: [{mixture: [1, 2]}]}"), ["terms.t.dist.mixture[0]: 'mixture' cannot be a part; list what it holds as parts of this mixture"]),
    ("choice in a mixture", yaw("{mixture: [{choice: [1, 2]}, 3]}"), ["terms.t.dist.mixture: 'choice' cannot be a part; list what it holds"]),
    ("samples in a mixture", yaw("{mixture: [{empirical: {values: [1, 2]}}, 3]}"), ["'empirical' cannot be a part"]),
    ("mixed components of parts", yaw("{mixture: [1, [1, 2]]}"), ["all with the same number of components"]),
    ("part is wrong", yaw("{mixture: {parts: [{uniform: [5, 1]}]}}"), ["terms.t.dist.mixture.parts[0].uniform: low 5 is greater than high 1"]),
    ("part weights", yaw("{mixture: {parts: [1, 2], weights: [1]}}"), ["1 weights for 2 parts; give one weight for each part"]),
    ("part weight below zero", yaw("{mixture: {parts: [1, 2], weights: [1, -1]}}"), ["weight -1; give weights of 0 or more"]),
    ("part weights of zero", yaw("{mixture: {parts: [1, 2], weights: [0, 0]}}"), ["the weights sum to 0 or overflow; give at least one part a weight above 0"]),
    ("no part weights", yaw("{mixture: {parts: [1, 2], weights: []}}"), ["mixture.weights: got an empty list; give one weight for each of the parts"]),
    ("tails in a mixture", term(f"{MASS}, dist: {{mixture: [{{normal: [1, 0.5]}}, 1]}}"), ["at least 0; use truncated_normal to cut its tails"]),
    ("counts in a mixture", yaw("{mixture: [{uniform_int: [0, 3]}, 2]}"), ["uniform_int is for counts; root.yaw is continuous"]),
    ("half counts in a mixture", term("target: obstacle.count, dist: {mixture: [{uniform_int: [8, 9]}, 2.5]}"), ["obstacle.count counts things"]),
    # Correlated normals.
    ("gaussian without covariance", com("{multivariate_normal: {mean: [0, 0, 0]}}"), ["terms.t.dist.multivariate_normal: 'covariance' is missing; give {mean: [...], covariance: [[...], ...]}"]),
    ("gaussian without mean", com("{multivariate_normal: {covariance: [[1]]}}"), ["'mean' is missing"]),
    ("gaussian list", com("{multivariate_normal: [0, 1]}"), ["got a list of 2; give {mean"]),
    ("gaussian sigma", com("{multivariate_normal: {mean: 0, sigma: 1}}"), ["multivariate_normal.sigma: unknown key; allowed here: mean, covariance"]),
    ("gaussian of two", com("{multivariate_normal: {mean: [0, 0], covariance: [[1, 0], [0, 1]]}}"), ["terms.t.dist: body.com: mean has 2 component(s); give 3"]),
    ("gaussian ragged", com("{multivariate_normal: {mean: [0, 0, 0], covariance: [[1, 0], [0, 1]]}}"), ["covariance has rows of [2, 2]; give 3 rows of 3 numbers, as the mean has 3"]),
    ("gaussian skew", com("{multivariate_normal: {mean: [0, 0, 0], covariance: [[1, 2, 0], [0, 1, 0], [0, 0, 1]]}}"), ["covariance[1][0] is 0 and [0][1] is 2; give a symmetric matrix"]),
    ("gaussian indefinite", com("{multivariate_normal: {mean: [0, 0, 0], covariance: [[1, 2, 0], [2, 1, 0], [0, 0, 1]]}}"), ["the covariance has a negative eigenvalue"]),
    ("gaussian negative variance", com("{multivariate_normal: {mean: [0, 0, 0], covariance: [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]}}"), ["the covariance has a negative eigenvalue"]),
    ("gaussian repeated", com("{multivariate_normal: {mean: 0, covariance: [[1]]}}"), ["mean has 1 component(s); give 3"]),
    # Samples.
    ("no samples", yaw("{empirical: {}}"), ["terms.t.dist.empirical: give either 'file' or 'values'"]),
    ("file and values", yaw("{empirical: {file: a.csv, values: [1]}}"), ["give either 'file' or 'values'"]),
    ("samples list", yaw("{empirical: [1, 2]}"), ["got a list of 2; give {file: <.csv or .npy>"]),
    ("columns of values", yaw("{empirical: {values: [1], columns: [a]}}"), ["empirical.columns: 'columns' belongs to 'file'; remove it"]),
    ("empty samples", yaw("{empirical: {values: []}}"), ["values: give at least one value"]),
    ("samples of two", yaw("{empirical: {values: [[1, 2]]}}"), ["root.yaw: samples have 2 component(s); give 1 column(s)"]),
    ("file of another kind", yaw("{empirical: {file: a.xls}}"), ["terms.t.dist.empirical.file: got 'a.xls'; give a .csv file with a header, or a .npy file"]),
    ("file beside nothing", yaw("{empirical: {file: a.csv}}"), ["'a.csv' is relative, but this spec is no file; give an absolute path"]),
    ("missing file", yaw("{empirical: {file: /nowhere/a.csv}}"), ["empirical.file: there is no file /nowhere/a.csv"]),
    ("file null", yaw("{empirical: {file: }}"), ["got nothing; give the name of a .csv or .npy file"]),
    # Assets, twins, engines.
    ("asset of the world", term("target: world.gravity, op: scale, dist: 1, asset: robot"), ["terms.t.asset: world.gravity takes no 'asset'; it belongs to the scene, remove it"]),
    ("asset of a camera", term("target: camera.focal_length, op: scale, dist: 1, asset: robot"), ["camera.focal_length takes no 'asset'"]),
    ("asset no expression", term(f'{MASS}, dist: 1, asset: "box["'), ["terms.t.asset: 'box[' is no regular expression"]),
    ("asset list", term(f"{MASS}, dist: 1, asset: [robot, box]"), ["terms.t.asset: got a list of 2"]),
    ("set twice on one asset", term("target: body.mass, op: set, unit: kg, dist: 1, asset: box") + "  u: {target: body.mass, op: set, unit: kg, dist: 2, asset: box}\n", ["terms.u: sets body.mass of '.*', which 't' (line 4) sets already"]),
    ("mirror of one", term("target: root.yaw, op: set, unit: deg, dist: 1, mirror: {a: b}"), ["terms.t.mirror: root.yaw takes no 'mirror'"]),
    ("mirror of one draw", term(f"{ARMATURE}, mirror: {{FR_: FL_}}"), ["terms.t.mirror: one draw for the world is the same for all; add 'each: joint' or remove 'mirror'"]),
    ("mirror list", term(f"{ARMATURE}, each: joint, mirror: [FR_, FL_]"), ["terms.t.mirror: got a list of 2; give a mapping such as {FR_: FL_, RR_: RL_}"]),
    ("mirror of nothing", term(f"{ARMATURE}, each: joint, mirror: {{}}"), ["terms.t.mirror: names no twins"]),
    ("mirror of a mirror", term(f"{ARMATURE}, each: joint, mirror: {{FR_: FL_, FL_: RL_}}"), ["terms.t.mirror.FR_: 'FL_' is mirrored itself"]),
    ("mirror of itself", term(f"{ARMATURE}, each: joint, mirror: {{R_: FR_}}"), ["terms.t.mirror.R_: 'FR_' holds 'R_' itself"]),
    ("mirror to nothing", term(f"{ARMATURE}, each: joint, mirror: {{FR_: }}"), ["terms.t.mirror.FR_: got nothing; give part of the twin's name"]),
    ("skip undeclared", term(f"{MASS}, dist: 1, skip_on: [ovphysx]"), ["terms.t: 'skip_on' acts only with 'unsupported: skip_declared' at the top of the spec"]),
    ("skip a word", f"{HEAD}unsupported: skip_declared\nterms:\n  t: {{{MASS}, dist: 1, skip_on: ovphysx}}\n", ["bad.yaml:5: terms.t.skip_on: got 'ovphysx'; give a list of newton_mjwarp, ovphysx"]),
    ("skip unknown", f"{HEAD}unsupported: skip_declared\nterms:\n  t: {{{MASS}, dist: 1, skip_on: [physx]}}\n", ["terms.t.skip_on[0]: unknown engine 'physx'; did you mean 'ovphysx'?"]),
    ("skip nothing", f"{HEAD}unsupported: skip_declared\nterms:\n  t: {{{MASS}, dist: 1, skip_on: []}}\n", ["terms.t.skip_on: got an empty list"]),
    ("skip twice", f"{HEAD}unsupported: skip_declared\nterms:\n  t: {{{MASS}, dist: 1, skip_on: [mujoco, mujoco]}}\n", ["an engine is named twice"]),
    ("unsupported ignored", f"{HEAD}unsupported: ignore\n", ["bad.yaml:3: unsupported: unknown way to treat what an engine cannot do 'ignore'; allowed: error, skip_declared"]),
    # Rates and steps.
    ("rates a number", f"{HEAD}rates: 50\n", ["bad.yaml:3: rates: got '50'; give a mapping such as {control_hz: 50, physics_hz: 200}"]),
    ("unknown rate", rates("policy_hz: 50"), ["bad.yaml:3: rates.policy_hz: unknown key", "control_hz, physics_hz"]),
    ("rate of zero", rates("control_hz: 0"), ["rates.control_hz: got 0; give a rate in Hz, above 0"]),
    ("rates that do not divide", rates("control_hz: 60, physics_hz: 200"), ["rates.physics_hz: got 200, which is 3.33333 times control_hz; give a whole multiple of it"]),
    ("physics below control", rates("control_hz: 60, physics_hz: 20"), ["give a whole multiple"]),
    ("steps without a rate", signal("latency: {uniform_int: [0, 3], unit: steps}"), ["bad.yaml:4: signals.s.latency.unit: 'steps' need the control rate; add 'rates: {control_hz: 50}'"]),
    ("negative steps", f"{HEAD}rates: {{control_hz: 50}}\nsignals:\n  s: {{latency: {{uniform_int: [-1, 3], unit: steps}}}}\n", ["bad.yaml:5: signals.s.latency: reaches -0.02 to 0.06 s; allowed: 0 to 10 s"]),
    ("too many steps", f"{HEAD}rates: {{control_hz: 50}}\nsignals:\n  s: {{latency: {{uniform_int: [0, 5000], unit: steps}}}}\n", ["uniform_int of steps takes a single range of up to 1000 values"]),
    ("steps of noise", f"{HEAD}rates: {{control_hz: 50}}\nsignals:\n  s: {{unit: steps, white: 1}}\n", ["signals.s.unit: unknown unit 'steps'"]),
    ("counted seconds", signal("latency: {uniform_int: [0, 3], unit: ms}"), ["signals.s.latency: uniform_int takes no unit; it counts things"]),
    ("negative relative noise", signal("relative: -0.1"), ["signals.s.relative: reaches -0.1; allowed: at least 0"]),
    ("relative vector", signal("relative: [0.1, 0.2]"), ["signals.s.relative: got 2 components; give a single one"]),
    # Curricula.
    ("adr of nothing", adr("grow: 0.8"), ["curriculum.adr: there is no uniform or log_uniform term drawn at reset"]),
    ("adr of an unknown term", with_adr("terms: {yaw: {start: [0, 1]}}"), ["bad.yaml:6: curriculum.adr.terms.yaw: there is no term 'yaw'; terms: t"]),
    ("adr of a misspelt term", with_adr("terms: {base: {start: [1, 1]}}", f"{MASS}, dist: 1") , ["there is no term 'base'"]),
    ("adr of no terms", with_adr("terms: {}"), ["curriculum.adr.terms: got no terms; name at least one"]),
    ("adr terms list", with_adr("terms: [t]"), ["curriculum.adr.terms: got a list of 1; give a mapping such as {base_mass: {start: [0.98, 1.02]}}"]),
    ("adr without start", with_adr("terms: {t: {}}"), ["curriculum.adr.terms.t: 'start' is missing"]),
    ("adr with end", with_adr("terms: {t: {start: [0, 1], end: [0, 2]}}"), ["curriculum.adr.terms.t.end: unknown key; allowed here: start"]),
    ("adr starts outside", with_adr("terms: {t: {start: [0, 30]}}"), ["terms.t.start: starts with 0 to 0.523599 rad, outside of the declared -0.349066 to 0.349066 rad"]),
    ("adr starts backwards", with_adr("terms: {t: {start: [3, 1]}}"), ["terms.t.start: low 3 is greater than high 1"]),
    ("adr start of one", with_adr("terms: {t: {start: 1}}"), ["terms.t.start: got '1'; give [low, high]"]),
    ("adr start of two components", with_adr("terms: {t: {start: [[0, 0], [1, 1]]}}"), ["terms.t.start: got 2 components; give 1"]),
    ("adr of a normal", with_adr("terms: {t: {start: [0, 1]}}", "target: root.yaw, op: add, unit: deg, dist: {normal: [0, 1]}"), ["terms.t: t is normal; only uniform and log_uniform have bounds that move"]),
    ("adr at startup", with_adr("terms: {t: {start: [1, 1]}}", f"{MASS}, dist: {{uniform: [0.9, 1.1]}}, when: startup"), ["t is drawn at startup; only ranges that are drawn again can move"]),
    ("adr episodes", with_adr("episodes: 0"), ["curriculum.adr.episodes: got '0'; give a number of episodes, 1 or more"]),
    ("adr and stages", f"{term(YAW)}curriculum: {{adr: {{}}, stages: [{{name: a, iterations: 1, range: 1}}]}}\n", ["curriculum.stages: 'adr' moves the ranges already; keep one of them"]),
    ("stages a mapping", stages("{easy: 0.3}"), ["bad.yaml:4: curriculum.stages: got a mapping; give a list of stages"]),
    ("no stages", stages("[]"), ["curriculum.stages: got an empty list"]),
    ("stage without range", stages("[{name: easy, iterations: 300}]"), ["curriculum.stages[0]: 'range' is missing"]),
    ("stage beyond", stages("[{name: easy, iterations: 300, range: 1.5}]"), ["curriculum.stages[0].range: got 1.5; give a fraction of the declared ranges, from 0 to 1"]),
    ("stage of no length", stages("[{name: easy, iterations: 0, range: 1}]"), ["stages[0].iterations: got '0'; give a number of training iterations, 1 or more"]),
    ("stage twice", stages("[{name: easy, iterations: 1, range: 0}, {name: easy, iterations: 2, range: 1}]"), ["stages[1].name: 'easy' is the name of two stages"]),
    ("stage misspelt", stages("[{name: easy, iteration: 300, range: 0.3}]"), ["stages[0].iteration: unknown key; did you mean 'iterations'?"]),
    # The vocabulary's units and operations.
    ("stiffness in rad", term("target: contact.stiffness, op: set, unit: N*m/rad, dist: 1000"), ["unit 'N*m/rad' measures rotational stiffness, not stiffness; allowed: N/m, N/mm"]),
    ("friction with a unit", term("target: shape.friction, op: set, unit: N, dist: 1"), ["unit 'N' measures force, not ratio; allowed: 1, %"]),
    ("added strength", term("target: actuator.strength, op: add, dist: 0.1"), ["unknown operation for actuator.strength 'add'; allowed: scale"]),
    ("length at reset", term("target: link.length, op: scale, dist: 1, when: reset"), ["link.length cannot be drawn at 'reset'; give one of build"]),
    ("armature each body", term(f"{ARMATURE}, each: body"), ["unknown granularity of joint.armature 'body'; allowed: world, joint"]),
    ("push at startup", term(f"{PUSH}, direction: any, when: startup"), ["body.force cannot be drawn at 'startup'"]),
]  # fmt: skip
