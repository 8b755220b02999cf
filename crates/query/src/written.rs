//! An answer as bytes on their way.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::sync::mpsc;

use crate::format::Encoder;
use crate::kept::Keeping;
use crate::threads::Running;
use crate::{Answer, Error, Format};

/// Bytes of an answer that is held as a whole.
const WHOLE_BYTES: usize = 256 << 20;

/// How many pieces may wait for whoever reads them.
const WAITING: usize = 2;

/// An answer as bytes on their way, piece by piece; after an error nothing follows. Dropping it ends the
/// query.
#[derive(Debug)]
pub struct Written {
    first: Option<Vec<u8>>,
    /// `None` where the first is the last.
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    pieces: mpsc::Receiver<Result<Vec<u8>, Error>>,
    _running: Running,
}

impl Written {
    /// Begins to write, and waits for the first piece: what fails before it is an error and no answer.
    pub(crate) async fn begin(
        spawn: impl FnOnce(Sender) -> Result<Running, Error>,
    ) -> Result<Self, Error> {
        let (sender, mut pieces) = mpsc::channel(WAITING);
        let running = spawn(Sender(sender))?;
        let first = pieces.recv().await.transpose()?;
        Ok(Self { first, rest: Some(Rest { pieces, _running: running }) })
    }

    /// All of an answer at once.
    pub(crate) fn whole(answer: Vec<u8>) -> Self {
        Self { first: Some(answer), rest: None }
    }
}

impl Stream for Written {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match (self.first.take(), &mut self.rest) {
            (Some(first), _) => Poll::Ready(Some(Ok(first))),
            (None, Some(rest)) => rest.pieces.poll_recv(context),
            (None, None) => Poll::Ready(None),
        }
    }
}

/// Where pieces go.
#[derive(Debug)]
pub(crate) struct Sender(mpsc::Sender<Result<Vec<u8>, Error>>);

impl Sender {
    /// Sends an answer until its end, when it is kept, or until nobody reads any more.
    pub(crate) async fn send_all(
        self,
        answer: Result<Answer, Error>,
        format: Format,
        mut keeping: Option<Keeping>,
    ) {
        let mut pieces = match answer.and_then(|answer| Pieces::new(answer, format)) {
            Ok(pieces) => pieces,
            Err(error) => {
                // Who does not read any more does not miss it.
                self.0.send(Err(error)).await.ok();
                return;
            }
        };
        while let Some(piece) = pieces.next().await {
            let is_last = piece.is_err();
            if let (Some(keeping), Ok(piece)) = (&mut keeping, &piece) {
                keeping.take_in(piece);
            }
            if self.0.send(piece).await.is_err() || is_last {
                return;
            }
        }
        if let Some(keeping) = keeping {
            keeping.finish();
        }
    }
}

/// The whole answer.
pub(crate) async fn whole(answer: Answer, format: Format) -> Result<Vec<u8>, Error> {
    let mut pieces = Pieces::new(answer, format)?;
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if all.len() + piece.len() > WHOLE_BYTES {
            return Err(Error::AnswerTooLarge { limit_bytes: WHOLE_BYTES });
        }
        all.extend(piece);
    }
    Ok(all)
}

/// An answer, encoded as it comes.
struct Pieces {
    answer: Answer,
    /// `None` once the end was written.
    encoder: Option<Encoder>,
}

impl Pieces {
    fn new(answer: Answer, format: Format) -> Result<Self, Error> {
        let encoder = Some(Encoder::new(format, &answer.schema())?);
        Ok(Self { answer, encoder })
    }

    /// The next piece, which is never empty; `None` after the last.
    async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        while let Some(batch) = self.answer.next().await {
            let encoder = self.encoder.as_mut()?;
            match batch.and_then(|batch| encoder.write(&batch)) {
                Ok(piece) if piece.is_empty() => {}
                written => return Some(written),
            }
        }
        let end = self.encoder.take()?.finish();
        Some(end).filter(|end| !matches!(end, Ok(piece) if piece.is_empty()))
    }
}
