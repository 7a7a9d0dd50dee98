//! `tidegate-floor` from outside: the real binary between real sockets, byte for byte.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

/// The longest that anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

const MIB: usize = 1024 * 1024;

/// A running floor, killed when dropped.
struct Floor {
    process: Child,
    address: SocketAddr,
}

impl Floor {
    fn before(origin: SocketAddr) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidegate-floor"))
            .args(["--listen", "127.0.0.1:0", "--origin", &origin.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect(&line).parse().expect("an address");
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        patient(TcpStream::connect(self.address).expect("connect"))
    }

    fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("alive").count()
    }

    /// Waits until as many files are open as there were.
    fn settle(&self, open_files: usize) {
        let since = Instant::now();
        while self.open_files() != open_files {
            assert!(since.elapsed() < PATIENCE, "{} files instead of {open_files}", self.open_files());
            thread::yield_now();
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("timeout");
    stream
}

struct Origin {
    address: SocketAddr,
    /// A message for each connection whose script ran to its end.
    done: mpsc::Receiver<()>,
}

impl Origin {
    /// Listens, and runs `script` on a thread for each connection.
    fn scripted(script: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let address = listener.local_addr().expect("address");
        let (say_done, done) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, script) = (patient(stream.expect("accept")), script.clone());
                let say_done = say_done.clone();
                thread::spawn(move || {
                    script(stream);
                    let _ = say_done.send(());
                });
            }
        });
        Self { address, done }
    }

    #[track_caller]
    fn expect_done(&self, connections: usize) {
        for _ in 0..connections {
            self.done.recv_timeout(PATIENCE).expect("the origin's script ran to its end");
        }
    }
}

fn echo(stream: TcpStream) {
    std::io::copy(&mut &stream, &mut &stream).expect("echo");
    stream.shutdown(Shutdown::Write).expect("shutdown");
}

/// Bytes that differ from place to place and from seed to seed.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(bytes).collect()
}

#[track_caller]
fn expect_bytes(mut stream: &TcpStream, want: &[u8]) {
    let mut got = vec![0; want.len()];
    stream.read_exact(&mut got).expect("read");
    assert!(got == want, "other bytes than were sent");
}

#[track_caller]
fn expect_end(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).expect("the end of the stream"), 0);
}

/// The end of the stream or an error, and no byte before.
#[track_caller]
fn expect_closed(mut stream: &TcpStream) {
    match stream.read(&mut [0]) {
        Ok(bytes) => assert_eq!(bytes, 0),
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "still open"),
    }
}

#[test]
fn passes_bytes_both_ways_at_once() {
    let (up, down) = (noise(1, 5 * MIB), noise(2, 5 * MIB));
    let (up_there, down_there) = (up.clone(), down.clone());
    let origin = Origin::scripted(move |stream| {
        thread::scope(|scope| {
            scope.spawn(|| (&stream).write_all(&down_there).expect("write"));
            expect_bytes(&stream, &up_there);
        });
    });
    let floor = Floor::before(origin.address);
    let client = floor.connect();
    thread::scope(|scope| {
        scope.spawn(|| (&client).write_all(&up).expect("write"));
        expect_bytes(&client, &down);
    });
    expect_end(&client);
    origin.expect_done(1);
}

#[test]
fn passes_on_the_end_of_the_clients_stream() {
    let origin = Origin::scripted(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read");
        stream.write_all(&all).expect("write");
    });
    let floor = Floor::before(origin.address);
    let open_files = floor.open_files();
    let mut client = floor.connect();
    let sent = noise(3, MIB);
    client.write_all(&sent).expect("write");
    client.shutdown(Shutdown::Write).expect("shutdown");
    expect_bytes(&client, &sent);
    expect_end(&client);
    origin.expect_done(1);
    floor.settle(open_files);
}

#[test]
fn passes_on_the_end_of_the_origins_stream() {
    let sent = noise(4, MIB);
    let expected = sent.clone();
    let origin = Origin::scripted(move |mut stream| {
        stream.write_all(b"over").expect("write");
        stream.shutdown(Shutdown::Write).expect("shutdown");
        expect_bytes(&stream, &expected);
        expect_end(&stream);
    });
    let floor = Floor::before(origin.address);
    let open_files = floor.open_files();
    let mut client = floor.connect();
    expect_bytes(&client, b"over");
    expect_end(&client);
    client.write_all(&sent).expect("write");
    drop(client);
    origin.expect_done(1);
    floor.settle(open_files);
}

#[test]
fn closes_when_the_origin_refuses() {
    let vacant = TcpListener::bind("127.0.0.1:0").expect("listen").local_addr().expect("address");
    let floor = Floor::before(vacant);
    let open_files = floor.open_files();
    for _ in 0..3 {
        let mut client = floor.connect();
        // It may be closed already.
        let _ = client.write_all(b"GET / HTTP/1.1\r\n\r\n");
        expect_closed(&client);
    }
    floor.settle(open_files);
}

#[test]
fn a_reset_closes_the_other_side() {
    let origin = Origin::scripted(|mut stream| {
        stream.write_all(b"hello").expect("write");
        expect_closed(&stream);
    });
    let floor = Floor::before(origin.address);
    let open_files = floor.open_files();
    let client = floor.connect();
    expect_bytes(&client, b"hello");
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("linger");
    drop(client);
    origin.expect_done(1);
    floor.settle(open_files);
}

#[test]
fn keeps_many_connections_apart() {
    let origin = Origin::scripted(echo);
    let floor = Floor::before(origin.address);
    let open_files = floor.open_files();
    let mut clients: Vec<_> = (0..300).map(|_| floor.connect()).collect();
    for round in 0..5 {
        let message = |client: usize| noise((round * 1000 + client) as u64, 10 + 97 * client);
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(&message(number)).expect("write");
        }
        for (number, client) in clients.iter().enumerate() {
            expect_bytes(client, &message(number));
        }
    }
    drop(clients);
    origin.expect_done(300);
    floor.settle(open_files);
}

/// Together the clients leave more unread than there are receive buffers.
#[test]
fn goes_on_when_all_buffers_were_held() {
    const CLIENTS: usize = 64;
    let origin = Origin::scripted(|mut stream| {
        let mut seed = [0];
        stream.read_exact(&mut seed).expect("read");
        stream.write_all(&noise(u64::from(seed[0]), 2 * MIB)).expect("write");
    });
    let floor = Floor::before(origin.address);
    let open_files = floor.open_files();
    let all_have_begun = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for seed in 0..CLIENTS as u8 {
            let (floor, all_have_begun) = (&floor, &all_have_begun);
            scope.spawn(move || {
                let mut client = narrow(floor.address);
                client.write_all(&[seed]).expect("write");
                client.peek(&mut [0]).expect("peek");
                all_have_begun.wait();
                expect_bytes(&client, &noise(u64::from(seed), 2 * MIB));
                expect_end(&client);
            });
        }
    });
    origin.expect_done(CLIENTS);
    floor.settle(open_files);
}

/// A connection with a small receive buffer, so that others have to hold what it does not read.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    socket.set_recv_buffer_size(4096).expect("buffer");
    socket.connect(&address.into()).expect("connect");
    patient(socket.into())
}
