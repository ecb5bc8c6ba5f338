use std::sync::Mutex;

use super::*;

/// Collects what is written, and how much of it was flushed; takes nothing while the gate is held.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<(Vec<u8>, usize)>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.1 = inner.0.len();
        Ok(())
    }
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn lines_come_out_in_order_and_flushed() {
    let pipe = Pipe::default();
    let writer = Writer::start("test", pipe.clone()).unwrap();
    for line in ["a\n", "b\n", "c\n"] {
        writer.offer(line.into()).unwrap();
    }
    writer.finish(PATIENCE).await.unwrap();
    assert_eq!(*pipe.0.lock().unwrap(), (b"a\nb\nc\n".to_vec(), 6));
}

#[tokio::test]
async fn a_reader_that_does_not_read_fills_the_queue_and_is_told() {
    let pipe = Pipe::default();
    let gate = Arc::clone(&pipe.0);
    let held = gate.lock().unwrap();
    let writer = Writer::start("test", pipe).unwrap();
    let line = || vec![b'x'; 1 << 20];
    let taken = (0..64).take_while(|_| writer.offer(line()).is_ok()).count();
    assert_eq!(taken, MAX_QUEUED_BYTES >> 20);
    writer.force(b"last".to_vec());
    drop(held);
    writer.finish(PATIENCE).await.unwrap();
    assert_eq!(gate.lock().unwrap().0.len(), MAX_QUEUED_BYTES + 4);
}

#[tokio::test]
async fn a_broken_pipe_is_reported_while_running() {
    let mut writer = Writer::start("test", Broken).unwrap();
    writer.offer(b"line\n".to_vec()).unwrap();
    assert_eq!(writer.ended().await.kind(), io::ErrorKind::BrokenPipe);
    assert!(writer.offer(b"line\n".to_vec()).is_ok());
}
