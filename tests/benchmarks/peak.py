"""Run a command, and print the peak of its memory in bytes on a file descriptor.

The kernel counts what the process that starts another one has as that one's memory, until it runs the
other program. So something small has to start what is measured: `python -I -S peak.py DESCRIPTOR COMMAND...`.
"""

import os
import sys

pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(int(sys.argv[1]), b"%d" % (usage.ru_maxrss * 1024))
sys.exit(os.waitstatus_to_exitcode(status))
