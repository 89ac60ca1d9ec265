# mypy: ignore-errors
"""One physics step of all motors that share a supply, in one thread.

Order: the position and velocity loop at the rotor, through the gear's free play; the current limit, lowered by heat;
the voltage, which sags until what the supply gives is what the motors take; the winding's heat.
"""

import warp as wp

SAG_STEPS = 16
"""Halvings of the interval in which the sagging voltage lies: to 2^-17 of the supply's voltage."""


@wp.struct
class MotorArrays:
    """The numbers of every joint."""

    kp: wp.array(dtype=wp.float32)
    kd: wp.array(dtype=wp.float32)
    feedforward: wp.array(dtype=wp.float32)
    max_effort: wp.array(dtype=wp.float32)
    voltage: wp.array(dtype=wp.float32)
    constant: wp.array(dtype=wp.float32)
    resistance: wp.array(dtype=wp.float32)
    bus_resistance: wp.array(dtype=wp.float32)
    backlash: wp.array(dtype=wp.float32)
    thermal_resistance: wp.array(dtype=wp.float32)
    heat_capacity: wp.array(dtype=wp.float32)
    derate_from: wp.array(dtype=wp.float32)
    derate_to: wp.array(dtype=wp.float32)


@wp.func
def limit_torque(motors: MotorArrays, i: int, demand: float, speed: float, voltage: float):
    """The torque that a voltage can drive through the winding against the back-EMF, within the demand's own limit."""
    k = motors.constant[i]
    scale = k / motors.resistance[i]
    torque = wp.clamp(demand, (-voltage - k * speed) * scale, (voltage - k * speed) * scale)
    largest = motors.max_effort[i]
    return wp.clamp(torque, -largest, largest)


@wp.func
def electric_power(motors: MotorArrays, i: int, torque: float, speed: float):
    """What a motor takes from its supply: heat in the winding and work at the shaft."""
    current = torque / motors.constant[i]
    return motors.resistance[i] * current * current + torque * speed


@wp.kernel
def step_motors(
    per_bus: int,
    dt: float,
    motors: MotorArrays,
    positions: wp.array(dtype=wp.float32),
    velocities: wp.array(dtype=wp.float32),
    target_positions: wp.array(dtype=wp.float32),
    target_velocities: wp.array(dtype=wp.float32),
    feedforward: wp.array(dtype=wp.float32),
    position_index: wp.array(dtype=wp.uint32),
    velocity_index: wp.array(dtype=wp.uint32),
    target_position_index: wp.array(dtype=wp.uint32),
    target_velocity_index: wp.array(dtype=wp.uint32),
    rotor: wp.array(dtype=wp.float32),
    engaged: wp.array(dtype=wp.float32),
    rise: wp.array(dtype=wp.float32),
    next_rotor: wp.array(dtype=wp.float32),
    next_rise: wp.array(dtype=wp.float32),
    drop: wp.array(dtype=wp.float32),
    torques: wp.array(dtype=wp.float32),
):
    """Step the motors of one supply."""
    bus = wp.tid()
    first = bus * per_bus
    supply = wp.float32(0.0)
    for i in range(first, first + per_bus):
        q = positions[position_index[i]]
        speed = velocities[velocity_index[i]]
        target = target_positions[target_position_index[i]]
        target_speed = target_velocities[target_velocity_index[i]]
        ahead = wp.float32(0.0)
        if feedforward:
            ahead = motors.feedforward[i] * feedforward[target_velocity_index[i]]
        kp = motors.kp[i]
        kd = motors.kd[i]
        play = 0.5 * motors.backlash[i]
        place = q
        demand = ahead + kp * (target - q) + kd * (target_speed - speed)
        if play > 0.0:
            place = rotor[i]
            if engaged[i] == 0.0:
                place = q
            pull = ahead + kp * (target - place) + kd * target_speed
            stiffness = kd + kp * dt
            if stiffness > 0.0:
                reach = dt * motors.voltage[i] / motors.constant[i]
                place += wp.clamp(dt * pull / stiffness, -reach, reach)
            if place >= q + play:
                place = q + play
                demand = wp.max(ahead + kp * (target - place) + kd * (target_speed - speed), 0.0)
            elif place <= q - play:
                place = q - play
                demand = wp.min(ahead + kp * (target - place) + kd * (target_speed - speed), 0.0)
            else:
                demand = 0.0
        next_rotor[i] = place
        cold = (motors.derate_to[i] - rise[i]) / (motors.derate_to[i] - motors.derate_from[i])
        largest = motors.max_effort[i] * wp.clamp(cold, 0.0, 1.0)
        torques[i] = wp.clamp(demand, -largest, largest)
        supply += motors.voltage[i] / float(per_bus)

    sag = wp.float32(0.0)
    lead = motors.bus_resistance[first]
    if lead > 0.0:
        low = 0.5 * supply
        high = supply
        for _step in range(SAG_STEPS):
            middle = 0.5 * (low + high)
            power = wp.float32(0.0)
            for i in range(first, first + per_bus):
                speed = velocities[velocity_index[i]]
                voltage = wp.max(motors.voltage[i] - supply + middle, 0.0)
                power += electric_power(motors, i, limit_torque(motors, i, torques[i], speed, voltage), speed)
            root = wp.sqrt(wp.max(supply * supply - 4.0 * lead * wp.max(power, 0.0), 0.0))
            if 0.5 * (supply + root) > middle:
                low = middle
            else:
                high = middle
        sag = supply - 0.5 * (low + high)

    for i in range(first, first + per_bus):
        speed = velocities[velocity_index[i]]
        voltage = wp.max(motors.voltage[i] - sag, 0.0)
        torque = limit_torque(motors, i, torques[i], speed, voltage)
        torques[i] = torque
        drop[i] = sag
        current = torque / motors.constant[i]
        final = motors.thermal_resistance[i] * motors.resistance[i] * current * current
        fade = wp.exp(-dt / (motors.thermal_resistance[i] * motors.heat_capacity[i]))
        next_rise[i] = final + (rise[i] - final) * fade


@wp.kernel
def drive_pd(
    positions: wp.array(dtype=wp.float32),
    velocities: wp.array(dtype=wp.float32),
    target_positions: wp.array(dtype=wp.float32),
    target_velocities: wp.array(dtype=wp.float32),
    feedforward: wp.array(dtype=wp.float32),
    position_index: wp.array(dtype=wp.uint32),
    velocity_index: wp.array(dtype=wp.uint32),
    target_position_index: wp.array(dtype=wp.uint32),
    target_velocity_index: wp.array(dtype=wp.uint32),
    kp: wp.array(dtype=wp.float32),
    kd: wp.array(dtype=wp.float32),
    constant: wp.array(dtype=wp.float32),
    share: wp.array(dtype=wp.float32),
    torques: wp.array(dtype=wp.float32),
):
    """The torque of a PD drive, with a factor on what is fed forward."""
    i = wp.tid()
    place = target_positions[target_position_index[i]] - positions[position_index[i]]
    speed = target_velocities[target_velocity_index[i]] - velocities[velocity_index[i]]
    ahead = wp.float32(0.0)
    if constant:
        ahead = constant[i]
    if feedforward:
        ahead += share[i] * feedforward[target_velocity_index[i]]
    torques[i] = ahead + kp[i] * place + kd[i] * speed


@wp.kernel
def forget(
    mask: wp.array(dtype=wp.bool),
    rotor: wp.array(dtype=wp.float32),
    engaged: wp.array(dtype=wp.float32),
    rise: wp.array(dtype=wp.float32),
):
    """Start anew: the rotor in the middle of its play, the winding at ambient."""
    i = wp.tid()
    if mask[i]:
        rotor[i] = 0.0
        engaged[i] = 0.0
        rise[i] = 0.0
