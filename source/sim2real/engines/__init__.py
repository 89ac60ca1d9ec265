"""Put draws into a running physics engine and read them back: masked, in place, always from nominal values.

The randomizer knows a *world row*: all properties that a spec can change, side by side, for each world. It draws,
folds the draws into the row and hands the columns to an :class:`~sim2real.engines.engine.Engine`, which knows where its
solver keeps them and what has to be derived anew. Engines get arrays; the glue (`lab/`, `gym/`) finds those.
"""
