"""Which part of the house a function belongs to, by its name.

A function that says nothing about who wanted it (memcpy, a Vec that grows) belongs to the nearest caller that does; what was
inlined belongs to whoever it was inlined into."""
import re

CRATES = {
    "rhai: scripts": "rhai smartstring ahash thin_vec num_traits",
    "JSON": "serde_json serde serde_core itoa ryu zmij",
    "HTTP: hyper, reqwest": "hyper hyper_util http httparse reqwest http_body http_body_util tower tower_service tower_http url want "
                            "form_urlencoded percent_encoding httpdate ipnet headers sync_wrapper",
    "tokio": "tokio mio futures_core futures_util futures_channel parking_lot parking_lot_core tokio_util socket2 crossbeam slab atomic_waker",
    "SQLite": "rusqlite libsqlite3_sys hashlink fallible_iterator",
}
CRATE_OF = {crate: part for part, crates in CRATES.items() for crate in crates.split()}
ALLOCATOR = "allocator"
OTHER = "other"

# A system call, or what the kernel does by itself, by the functions that are on its way; the first that fits.
KERNEL = [
    ("kernel: fsync", r"sys_fsync|sys_fdatasync|do_fsync|vfs_fsync|ext4_sync_file"),
    ("kernel: file write", r"pwrite|ftruncate|fallocate|ext4_.*write"),
    ("kernel: file read, stat, lock", r"pread|stat(64|x|at)?$|openat|fcntl|lseek|ext4_"),
    ("kernel: network send", r"sys_send|tcp_sendmsg|sock_write_iter|do_writev|vfs_writev"),
    ("kernel: network receive", r"sys_recv|tcp_recvmsg|sock_recvmsg|sock_read_iter"),
    ("kernel: connect, accept, close", r"sys_accept|sys_connect|sys_close|sys_socket|sys_shutdown|sys_setsockopt|do_accept|tcp_close"),
    ("kernel: epoll", r"sys_epoll|do_epoll|ep_poll|ep_send_events"),
    ("kernel: futex", r"futex"),
    ("kernel: eventfd", r"eventfd|ksys_write|vfs_write|ksys_read|vfs_read"),
    ("kernel: page faults, memory", r"page_fault|mm_fault|sys_mmap|munmap|madvise|mremap|mprotect"),
    ("kernel: clock", r"clock_gettime|clock_nanosleep|do_nanosleep|timerfd"),
]
KERNEL_OTHER = "kernel: other (interrupts, scheduling)"
RUST_PATH = re.compile(r"(?<![\w:])([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::([a-z_0-9]+)?")
MANGLED_CRATE = re.compile(r"Cs[0-9A-Za-z]*_(\d+)([a-z_0-9]+)")
C_OF_LIBC = re.compile(r"^(__)?(mem(cpy|move|set|cmp|chr)|bcmp|str(len|cmp|n?cpy)|pthread_|clock_gettime|syscall|_?_?vdso)")


def of_kernel(chain):
    for part, pattern in KERNEL:
        if any(re.search(pattern, name) for name in chain):
            return part
    return KERNEL_OTHER


def of_function(name, is_ours=True):
    """None if its name does not say. `is_ours`: it is in our binary, not in libc."""
    if re.match(r"^_?mi_|.*\bmimalloc::|^__rust_(alloc|dealloc|realloc)|.*__rustc\w*::__rust", name):
        return ALLOCATOR
    for crate, module in rust_paths(name):
        if crate == "tagwerk":
            return f"ours: {module}" if module else "ours"
        if crate in CRATE_OF:
            return CRATE_OF[crate]
    is_rust = "::" in name or name.startswith(("_R", "_ZN"))
    if is_rust or not is_ours or C_OF_LIBC.match(name) or name.startswith("[") or not name:
        return None
    if re.match(r"^(ring_|aes_|sha\d|_start|main|start_thread|clone)", name):
        return OTHER
    return "SQLite"  # the only other C in the binary


def rust_paths(name):
    paths = [(found.group(1), found.group(2)) for found in RUST_PATH.finditer(name)]
    for found in MANGLED_CRATE.finditer(name):  # where nobody could demangle it
        paths.append((found.group(2)[:int(found.group(1))], None))
    return paths


def of_chain(chain):
    """The part of a sample: (function, file) from the innermost to the outermost."""
    kernel = [name for name, file in chain if "kernel" in file]
    if chain and "kernel" in chain[0][1]:
        return of_kernel(kernel)
    for name, file in chain:
        part = of_function(name, "tagwerk" in file)
        if part:
            return part
    return OTHER
