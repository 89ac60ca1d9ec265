"""Train the avoidance classifier: the verb 'train' spelled out.

python standalone/train_avoidance.py --data DIR --out RUN
"""

import sys

from sim2real.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
