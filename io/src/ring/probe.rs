//! What the kernel must offer, and what to do when it does not.

use std::io;

use io_uring::{IoUring, Probe, opcode, squeue};

/// Something that this machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Checks that a ring of the shape that a shard needs can be opened, and that the kernel knows every operation.
pub fn ring() -> Result<(), Missing> {
    let uring = IoUring::<squeue::Entry>::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .build(8)
        .map_err(|error| cannot_open(&error))?;
    let mut probe = Probe::new();
    uring.submitter().register_probe(&mut probe).map_err(|error| Missing {
        what: format!("io_uring cannot be asked what it supports: {error}"),
        remedy: "use Linux 6.1 or newer".to_owned(),
    })?;
    let needed = [
        ("accept", opcode::AcceptMulti::CODE),
        ("recv", opcode::RecvMulti::CODE),
        ("send", opcode::Send::CODE),
        ("connect", opcode::Connect::CODE),
        ("close", opcode::Close::CODE),
        ("timeout", opcode::Timeout::CODE),
        ("async_cancel", opcode::AsyncCancel::CODE),
    ];
    match needed.iter().find(|(_, code)| !probe.is_supported(*code)) {
        None => Ok(()),
        Some((name, _)) => Err(Missing {
            what: format!("the kernel's io_uring does not know the operation `{name}`"),
            remedy: "use Linux 6.1 or newer".to_owned(),
        }),
    }
}

fn cannot_open(error: &io::Error) -> Missing {
    let remedy = match error.raw_os_error() {
        Some(libc::ENOSYS) => "the kernel has no io_uring: use Linux 6.1 or newer with CONFIG_IO_URING=y",
        Some(libc::EPERM | libc::EACCES) => {
            "io_uring is forbidden here. In a container, its seccomp profile refuses it (Docker and containerd do by \
             default): allow io_uring_setup, io_uring_enter and io_uring_register. On the host, set \
             kernel.io_uring_disabled=0 (sysctl)"
        }
        Some(libc::EINVAL) => {
            "the kernel is too old for IORING_SETUP_SINGLE_ISSUER and IORING_SETUP_DEFER_TASKRUN: use Linux 6.1 or newer"
        }
        Some(libc::ENOMEM) => {
            "the limit on locked memory is too small: raise it (`ulimit -l unlimited`, or LimitMEMLOCK=infinity in the \
             systemd unit)"
        }
        Some(libc::EMFILE | libc::ENFILE) => {
            "too many open files: raise the limit (`ulimit -n`, or LimitNOFILE= in the unit)"
        }
        _ => "see io_uring_setup(2)",
    };
    Missing { what: format!("io_uring cannot be opened: {error}"), remedy: remedy.to_owned() }
}
