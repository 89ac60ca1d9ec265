# ruff: noqa: E501
"""Wrong specs, each with what its message has to say: (name, YAML, fragments of the message)."""

HEAD = "schema: 1\nseed: 7\n"


def term(text: str) -> str:
    """Return a spec with one term ``t`` in line 4."""
    return f"{HEAD}terms:\n  t: {{{text}}}\n"


def yaw(dist: str) -> str:
    """Return a spec whose term has this distribution."""
    return term(f"target: root.yaw, op: set, unit: deg, dist: {dist}")


def depth(text: str) -> str:
    """Return a spec with this depth camera in line 4."""
    return f"{HEAD}vision:\n  depth: {{{text}}}\n"


def signal(text: str) -> str:
    """Return a spec with one signal ``s`` in line 4."""
    return f"{HEAD}signals:\n  s: {{{text}}}\n"


def adr(text: str) -> str:
    """Return a spec with this curriculum in line 4."""
    return f"{HEAD}curriculum:\n  adr: {{{text}}}\n"


MASS = "target: body.mass, op: scale"
PUSH = "target: body.force, unit: N, dist: {uniform: [0, 50]}"

BAD_SPECS: list[tuple[str, str, list[str]]] = [
    # The file as a whole.
    ("empty", "", ["bad.yaml: the spec is empty", "schema: 1"]),
    ("only comments", "# nothing\n", ["the spec is empty"]),
    ("a list", "- schema: 1\n", ["bad.yaml:1: got a list of 1; give a mapping that starts with 'schema: 1'"]),
    ("a word", "hello\n", ["got 'hello'; give a mapping"]),
    ("two documents", f"{HEAD}---\n{HEAD}", ["no valid YAML", "single document"]),
    ("open bracket", f"{HEAD}terms: {{a: [1, 2\n", ["no valid YAML", "check indentation, brackets and quotes"]),
    ("tab", f"{HEAD}terms:\n\ta: 1\n", ["bad.yaml:4", "no valid YAML", "cannot start any token"]),
    ("unknown alias", f"{HEAD}terms: *nothing\n", ["bad.yaml:3", "undefined alias"]),
    ("control character", HEAD + "terms: \x07\n", ["bad.yaml:3", "special characters are not allowed"]),
    ("impossible escape", HEAD + 'terms: "\\Uffffffff"\n', ["no valid YAML"]),
    ("too deep", "[" * 5000, ["nested too deeply"]),
    ("python object", f"{HEAD}terms: !!python/object:os.system {{}}\n", ["bad.yaml:3: terms: YAML tag", "not allowed"]),
    ("own tag", "schema: 1\nseed: !mine 7\n", ["bad.yaml:2: seed: YAML tag !mine is not allowed"]),
    ("key is a list", f"{HEAD}? [a, b]\n: 1\n", ["bad.yaml:3: a key has to be plain text"]),
    ("no schema", "seed: 7\n", ["'schema' is missing; start the file with 'schema: 1'"]),
    ("schema 2", "schema: 2\nseed: 7\n", ["bad.yaml:1: schema: unknown schema version 2; this release reads 1"]),
    ("schema text", "schema: one\nseed: 7\n", ["schema: got 'one'", "version of the file format"]),
    ("no seed", "schema: 1\n", ["'seed' is missing; give a whole number"]),
    ("negative seed", "schema: 1\nseed: -1\n", ["bad.yaml:2: seed: got '-1'", "0 to 2^64 - 1"]),
    ("seed with fraction", "schema: 1\nseed: 1.5\n", ["seed: got '1.5'; give a whole number"]),
    ("seed too large", "schema: 1\nseed: 18446744073709551616\n", ["give a whole number from 0 to 2^64 - 1"]),
    ("seed null", "schema: 1\nseed:\n", ["bad.yaml:2: seed: got nothing"]),
    ("seed yes", "schema: 1\nseed: yes\n", ["seed: got 'yes', which YAML reads as true or false"]),
    ("seed octal", "schema: 1\nseed: 010\n", ["seed: got 010, which YAML reads as octal"]),
    ("unknown section", f"{HEAD}term: {{}}\n", ["bad.yaml:3: term: unknown key; did you mean 'terms'?", "signals"]),
    ("duplicate section", f"{HEAD}terms: {{}}\nterms: {{}}\n", ["bad.yaml:4: terms: given twice, first in line 3"]),
    ("terms a list", f"{HEAD}terms: [1, 2]\n", ["bad.yaml:3: terms: got a list of 2; give a mapping of terms"]),
    ("terms null", f"{HEAD}terms:\n", ["terms: got nothing; give a mapping of terms"]),
    ("merge of a number", f"{HEAD}terms:\n  <<: 3\n", ["bad.yaml:4: terms: '<<' merges mappings"]),
    # Terms.
    ("term is a number", f"{HEAD}terms:\n  a: 3\n", ["bad.yaml:4: terms.a: got '3'", "'target' and 'dist'"]),
    ("bad name", f"{HEAD}terms:\n  Base-Mass: {{}}\n", ["terms.Base-Mass: 'Base-Mass' is no name for a term"]),
    ("no target", term("dist: 1"), ["bad.yaml:4: terms.t: 'target' is missing"]),
    ("no dist", term("target: root.yaw, op: set, unit: deg"), ["terms.t: 'dist' is missing"]),
    ("unknown key", term("target: root.yaw, dis: 1"), ["terms.t.dis: unknown key; did you mean 'dist'?", "allowed here"]),
    ("duplicate key", term("target: root.yaw, target: body.mass"), ["terms.t.target: given twice, first in line 4"]),
    ("duplicate term", term("dist: 1") + "  t: {}\n", ["bad.yaml:5: terms.t: given twice, first in line 4"]),
    ("unknown target", term("target: body.mas, dist: 1"), ["terms.t.target: unknown target 'body.mas'; did you mean 'body.mass'?"]),
    ("target lists all", term("target: xyz, dist: 1"), ["allowed: body.mass, body.com", "camera.focal_length"]),
    ("unknown op", term("target: root.yaw, op: multiply, unit: deg, dist: 1"), ["terms.t.op: unknown operation for root.yaw 'multiply'; allowed: set, add"]),
    ("wrong op", term("target: body.com, op: scale, dist: 1"), ["unknown operation for body.com 'scale'; allowed: add"]),
    ("no op", term("target: body.mass, unit: kg, dist: 1"), ["terms.t: 'op' is missing; body.mass can be changed by set, scale, add"]),
    ("no unit", term("target: root.yaw, op: set, dist: 1"), ["terms.t: 'unit' is missing; root.yaw measures angle; give one of rad, deg, mrad"]),
    ("unknown unit", term("target: root.yaw, op: set, unit: dgr, dist: 1"), ["terms.t.unit: unknown unit 'dgr'; did you mean 'deg'?; allowed here: rad, deg"]),
    ("wrong unit", term("target: root.yaw, op: set, unit: m, dist: 1"), ["terms.t.unit: unit 'm' measures length, not angle; allowed: rad, deg, mrad"]),
    ("unit on a scale", term(f"{MASS}, unit: kg, dist: 1"), ["terms.t.unit: got 'kg', but 'op: scale' takes a factor"]),
    ("unit null", term("target: root.yaw, op: set, unit: , dist: 1"), ["terms.t.unit: got nothing; give one of rad"]),
    ("unknown when", term("target: root.yaw, op: set, unit: deg, dist: 1, when: rest"), ["terms.t.when: unknown time 'rest'; did you mean 'reset'?"]),
    ("wrong when", term("target: root.yaw, op: set, unit: deg, dist: 1, when: startup"), ["terms.t.when: root.yaw cannot be drawn at 'startup'; give one of reset"]),
    ("bare interval", term(f"{PUSH}, direction: any, when: interval"), ["terms.t.when: an interval needs its length; give {interval_s: [shortest, longest]}"]),
    ("interval for yaw", term("target: root.yaw, op: set, unit: deg, dist: 1, when: {interval_s: 2}"), ["root.yaw cannot be drawn at intervals"]),
    ("interval backwards", term(f"{PUSH}, direction: any, when: {{interval_s: [5, 2]}}"), ["terms.t.when.interval_s: got [5.0, 2.0]", "0 < shortest <= longest"]),
    ("interval of zero", term(f"{PUSH}, direction: any, when: {{interval_s: 0}}"), ["0 < shortest"]),
    ("interval misspelt", term(f"{PUSH}, direction: any, when: {{interval: 2}}"), ["terms.t.when.interval: unknown key; did you mean 'interval_s'?"]),
    ("when empty", term(f"{PUSH}, direction: any, when: {{}}"), ["terms.t.when: 'interval_s' is missing"]),
    ("unknown each", term(f"{MASS}, dist: 1, each: joint"), ["terms.t.each: unknown granularity of body.mass 'joint'; allowed: world, body"]),
    ("unknown keep", term(f"{MASS}, dist: 1, keep: volume"), ["terms.t.keep: unknown keep 'volume'; allowed: density"]),
    ("keep elsewhere", term("target: root.yaw, op: set, unit: deg, dist: 1, keep: density"), ["root.yaw takes no 'keep'; remove it"]),
    ("against elsewhere", term(f"{MASS}, dist: 1, against: ground"), ["body.mass takes no 'against'"]),
    ("direction elsewhere", term(f"{MASS}, dist: 1, direction: x"), ["body.mass takes no 'direction'"]),
    ("unknown direction", term(f"{PUSH}, direction: sideways"), ["unknown direction 'sideways'; allowed: any, horizontal, x, y, z"]),
    ("no direction", term(PUSH), ["terms.t: 'direction' is missing; a scalar needs one of any, horizontal"]),
    ("direction of a vector", term("target: body.force, unit: N, dist: [0, 1, 0], direction: x"), ["a vector already has a direction"]),
    ("force of two", term("target: body.force, unit: N, dist: [0, 1]"), ["got 2 components; give 1 or 3"]),
    ("duration elsewhere", term(f"{MASS}, dist: 1, duration_s: 1"), ["body.mass takes no 'duration_s'"]),
    ("negative duration", term(f"{PUSH}, direction: any, duration_s: -0.2"), ["terms.t.duration_s: got -0.2", "above 0"]),
    ("select elsewhere", term("target: root.yaw, op: set, unit: deg, dist: 1, select: base"), ["root.yaw takes no 'select'"]),
    ("no regular expression", term(f'{MASS}, dist: 1, select: "foot["'), ["terms.t.select: 'foot[' is no regular expression"]),
    ("provenance", term(f"{MASS}, dist: 1, provenance: guess"), ["terms.t.provenance: got 'guess'; give default, datasheet:<which>, or identified:<run>"]),
    ("empty provenance", term(f'{MASS}, dist: 1, provenance: "datasheet:"'), ["got 'datasheet:'; give default"]),
    ("set twice", term("target: root.yaw, op: set, unit: deg, dist: 1") + "  u: {target: root.yaw, op: set, unit: deg, dist: 2}\n", ["bad.yaml:5: terms.u: sets root.yaw of '.*', which 't' (line 4) sets already"]),
    ("mass below zero", term("target: body.mass, op: set, unit: kg, dist: {uniform: [-1, 1]}"), ["terms.t.dist: reaches -1 to 1 kg; allowed: at least 0 kg"]),
    ("mass of zero", term("target: body.mass, op: set, unit: kg, dist: {uniform: [0, 1]}"), ["terms.t.dist: reaches 0 kg; give values above 0"]),
    ("normal scale", term(f"{MASS}, dist: {{normal: [1, 0.5]}}"), ["at least 0", "use truncated_normal to cut its tails"]),
    ("negative scale", term(f"{MASS}, dist: {{uniform: [-1, 1]}}"), ["reaches -1 to 1; allowed: at least 0"]),
    ("restitution above one", term("target: shape.restitution, dist: {uniform: [0.5, 1.5]}"), ["reaches 0.5 to 1.5; allowed: 0 to 1"]),
    ("negative payload", term("target: body.payload, unit: kg, dist: {uniform: [-1, 1]}"), ["at least 0 kg"]),
    ("half an obstacle", term("target: obstacle.count, dist: {uniform: [8, 12]}"), ["obstacle.count counts things; give uniform_int"]),
    ("half a choice", term("target: obstacle.count, dist: {choice: [8, 8.5]}"), ["obstacle.count counts things"]),
    ("whole degrees", yaw("{uniform_int: [0, 3]}"), ["uniform_int is for counts; root.yaw is continuous"]),
    # Distributions.
    ("unknown distribution", yaw("{unifrom: [0, 1]}"), ["unknown distribution 'unifrom'; did you mean 'uniform'?", "log_uniform"]),
    ("no distribution", yaw("{}"), ["terms.t.dist: got no distribution; give exactly one of constant, uniform"]),
    ("two distributions", yaw("{uniform: [0, 1], normal: [0, 1]}"), ["got 2 distributions (uniform, normal)"]),
    ("distribution twice", yaw("{uniform: [0, 1], uniform: [0, 1]}"), ["terms.t.dist.uniform: given twice"]),
    ("min over max", yaw("{uniform: [5, 1]}"), ["bad.yaml:4: terms.t.dist.uniform: low 5 is greater than high 1; give [low, high] with low <= high"]),
    ("min over max, by name", yaw("{uniform: {low: 5, high: 1}}"), ["low 5 is greater than high 1"]),
    ("missing high", yaw("{uniform: {low: 5}}"), ["terms.t.dist.uniform: 'high' is missing; give [low, high]"]),
    ("unknown bound", yaw("{uniform: {low: 5, hihg: 7}}"), ["uniform.hihg: unknown key; did you mean 'high'?"]),
    ("one bound", yaw("{uniform: [5]}"), ["got a list of 1; give [low, high]"]),
    ("three bounds", yaw("{uniform: [1, 2, 3]}"), ["got a list of 3; give [low, high]"]),
    ("bound is no list", yaw("{uniform: 5}"), ["got '5'; give [low, high]"]),
    ("quoted number", yaw('{uniform: ["1", 2]}'), ["terms.t.dist.uniform[0]: got the text '1' in quotes", "without quotes"]),
    ("a unit in the number", yaw("{uniform: [1 deg, 2]}"), ["uniform[0]: got '1 deg'", "without a unit"]),
    ("null bound", yaw("{uniform: [~, 2]}"), ["uniform[0]: got nothing; give a number"]),
    ("off", yaw("{uniform: [off, 2]}"), ["got 'off', which YAML reads as true or false"]),
    ("sexagesimal", yaw("{uniform: [1:30, 2]}"), ["uniform[0]: got '1:30'", "in decimals"]),
    ("nan", yaw("{uniform: [.nan, 2]}"), ["uniform[0]: got .nan; give a finite number"]),
    ("infinite", yaw("{uniform: [0, .inf]}"), ["uniform[1]: got .inf; give a finite number"]),
    ("plain inf", yaw("-inf"), ["terms.t.dist: got -inf; give a finite number"]),
    ("overflow", yaw("{uniform: [0, 1e999]}"), ["uniform[1]: got '1e999', beyond the largest number"]),
    ("beyond float32", yaw("{uniform: [0, 1e31]}"), ["high is 1e+31; give a finite number within +-1e+30"]),
    ("negative std", yaw("{normal: [0, -1]}"), ["terms.t.dist.normal: std is -1; give a standard deviation of 0 or more"]),
    ("log of zero", yaw("{log_uniform: [0, 1]}"), ["low is 0; log_uniform needs both bounds above 0"]),
    ("truncated backwards", yaw("{truncated_normal: {mean: 0, std: 1, low: 2, high: 1}}"), ["low 2 is greater than high 1"]),
    ("truncated away", yaw("{truncated_normal: {mean: 0, std: 1, low: 8, high: 9}}"), ["[8, 9] holds under 1e-06", "move the bounds"]),
    ("truncated list", yaw("{truncated_normal: [0, 1, 2, 3]}"), ["give {mean: ..., std: ..., low: ..., high: ...}"]),
    ("truncated without std", yaw("{truncated_normal: {mean: 0, low: 2, high: 1}}"), ["'std' is missing"]),
    ("empty choice", yaw("{choice: []}"), ["give at least one value"]),
    ("weights too few", yaw("{choice: {values: [1, 2], weights: [1]}}"), ["1 weights for 2 values"]),
    ("no values", yaw("{choice: {weights: [1]}}"), ["'values' is missing"]),
    ("negative weight", yaw("{choice: {values: [1, 2], weights: [1, -1]}}"), ["weight -1; give weights of 0 or more"]),
    ("fractional count", term("target: obstacle.count, dist: {uniform_int: [0.5, 2]}"), ["low is 0.5; give a whole number, or use uniform"]),
    ("wrong components", term("target: camera.position, unit: m, dist: {uniform: [[0, 0], [1, 1]]}"), ["camera.position: got 2 components; give 3"]),
    ("mixed components", term("target: camera.position, unit: m, dist: {uniform: [[0, 0, 0], [1, 1]]}"), ["low has 3, high has 2"]),
    ("vector for a scalar", yaw("{uniform: [[0, 0], [1, 1]]}"), ["root.yaw: got 2 components; give 1"]),
    ("empty vector", yaw("[]"), ["terms.t.dist: got an empty list"]),
    # Vision.
    ("no preset", depth("scale: 1"), ["bad.yaml:4: vision.depth: 'preset' is missing; give one of realsense_d435, ideal"]),
    ("unknown preset", depth("preset: realsense_d455"), ["unknown preset 'realsense_d455'; did you mean 'realsense_d435'?"]),
    ("unknown camera", f"{HEAD}vision: {{lidar: {{}}}}\n", ["bad.yaml:3: vision.lidar: unknown key", "allowed here: depth"]),
    ("unknown field", depth("preset: ideal, disparity_std: 1"), ["vision.depth.disparity_std: unknown key; did you mean 'disparity_std_px'?"]),
    ("probability of two", depth("preset: ideal, edge_dropout: {uniform: [0, 2]}"), ["vision.depth.edge_dropout: reaches 0 to 2; allowed: 0 to 1"]),
    ("negative noise", depth("preset: ideal, temporal_std_m: -0.1"), ["vision.depth.temporal_std_m: reaches -0.1 m; allowed: 0 to 10 m"]),
    ("field unit", depth("preset: ideal, offset_m: {uniform: [0, 1], unit: deg}"), ["vision.depth.offset_m.unit: unit 'deg' measures angle, not length"]),
    ("field vector", depth("preset: ideal, offset_m: [0, 1]"), ["got 2 components; give a single one"]),
    ("near beyond far", depth("preset: ideal, range_min_m: 3, range_max_m: {uniform: [2, 5]}"), ["vision.depth.range_min_m: reaches 3 m, which is not below range_max_m (from 2 m)"]),
    # Signals.
    ("unknown signal key", signal("latncy: 0.01"), ["bad.yaml:4: signals.s.latncy: unknown key; did you mean 'latency'?"]),
    ("negative latency", signal("latency: {uniform: [-0.01, 0.01]}"), ["signals.s.latency: reaches -0.01 to 0.01 s; allowed: 0 to 10 s"]),
    ("dropout of two", signal("dropout: 2"), ["signals.s.dropout: reaches 2; allowed: 0 to 1"]),
    ("latency in metres", signal("latency: {uniform: [0, 1], unit: mm}"), ["unit 'mm' measures length, not time; allowed: s, ms, us, min"]),
    ("on_dropout", signal("dropout: 0.1, on_dropout: repeat"), ["signals.s.on_dropout: unknown behaviour 'repeat'; allowed: hold, zero"]),
    ("on_dropout alone", signal("on_dropout: hold"), ["there is no 'dropout' to act on"]),
    ("negative white", signal("white: -0.1"), ["signals.s.white: reaches -0.1; allowed: at least 0"]),
    ("unit in a bias", signal("bias: {uniform: [0, 1], unit: deg}"), ["give the unit once for the signal, as its 'unit'"]),
    ("unit of a density", signal("unit: rad/s, noise_density: {constant: 1, unit: rad/s}"), ["bad.yaml:4: signals.s.noise_density.unit: unknown unit 'rad/s'", "allowed here: rad/s/sqrt(Hz)", "deg/sqrt(h)"]),
    ("turned twice", signal("misalignment: [1, 2]"), ["bad.yaml:4: signals.s.misalignment: got 2 components; give 1 or 3"]),
    ("lost to no limit", signal("dropout_each: 0.1, on_dropout_each: limit"), ["bad.yaml:4: signals.s.on_dropout_each: 'limit' gives the 'saturation', and there is none; give one"]),
    ("signal unit", signal("unit: furlong, white: 1"), ["signals.s.unit: unknown unit 'furlong'"]),
    ("bus list", signal("bus: [spi]"), ["signals.s.bus: got a list of 1; give the name of a bus"]),
    # Curriculum.
    ("unknown curriculum", f"{HEAD}curriculum: {{pace: 1}}\n", ["curriculum.pace: unknown key; allowed here: adr"]),
    ("shrink over grow", adr("grow: 0.4, shrink: 0.5"), ["shrink 0.5 is not below grow 0.4"]),
    ("step of zero", adr("step: 0"), ["curriculum.adr.step: got 0; give a number above 0, up to 1"]),
    ("grow above one", adr("grow: 1.5"), ["curriculum.adr.grow: got 1.5; give a number from 0 to 1"]),
]  # fmt: skip
