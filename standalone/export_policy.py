"""Export a trained policy as a bundle: the verb 'export' spelled out.

python standalone/export_policy.py --policy RUN --data DIR --out BUNDLE
"""

import sys

from sim2real.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
