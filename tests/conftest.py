"""What holds for every test: Ctrl-C works, also where the tests themselves were started in the background."""

import signal

# A shell starts a background job with SIGINT ignored, and every child process would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
