"""What the kernel counts for a process and all that it started."""
import os
import time


def tree(pid):
    """The process and its descendants, parents first."""
    found, todo = [], [pid]
    while todo:
        process = todo.pop()
        found.append(process)
        for thread in listed(f"/proc/{process}/task"):
            todo += [int(child) for child in read(f"/proc/{process}/task/{thread}/children").split()]
    return found


def cpu(pid):
    """Seconds of processor time, user and kernel, threads that have ended included.

    The clock of a process counts nanoseconds; /proc/PID/stat counts in steps of 10 ms, a third of what a quiet second costs."""
    total = 0.0
    for process in tree(pid):
        try:
            total += time.clock_gettime((~process << 3) | 2)  # CPUCLOCK_SCHED of that process
        except OSError:
            pass  # it has ended
    return total


def memory(pid, key="VmRSS"):
    """MiB in memory now, or at most so far (`VmHWM`)."""
    kib = sum(field(f"/proc/{process}/status", key) for process in tree(pid))
    return round(kib / 1024, 1)


def switches(pid):
    """Context switches of all threads: given up, and taken away."""
    totals = [0, 0]
    for process in tree(pid):
        for thread in listed(f"/proc/{process}/task"):
            status = f"/proc/{process}/task/{thread}/status"
            totals[0] += field(status, "voluntary_ctxt_switches")
            totals[1] += field(status, "nonvoluntary_ctxt_switches")
    return tuple(totals)


def field(file, key):
    for line in read(file).splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def read(file):
    try:
        with open(file) as opened:
            return opened.read()
    except OSError:
        return ""


def listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []
