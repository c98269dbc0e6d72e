//! The body of an answer, as a stream of chunks.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt;

use super::{TransportError, TransportErrorKind};

/// How much is set aside at first on the word of `Content-Length`; a longer body grows from there.
const FIRST_RESERVE: usize = 4 << 20;

/// The body of an answer: a stream of chunks, read once.
pub struct Body(Source);

enum Source {
    Full(Option<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>),
}

impl Body {
    /// A body that is there already.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Full(Some(bytes.into())))
    }

    /// A body that arrives in chunks.
    pub fn stream(chunks: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static) -> Self {
        Self(Source::Stream(Box::pin(chunks)))
    }

    /// Reads the body to its end. `expected` is the announced length, if any; at most `limit` bytes are
    /// accepted.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::TooLarge`] when the body is longer than `limit`, announced or arrived; otherwise
    /// what the connection reports.
    pub async fn read(self, expected: Option<u64>, limit: usize) -> Result<Bytes, TransportError> {
        self.read_into(BytesMut::new(), expected, limit).await
    }

    /// As [`read`](Self::read), into memory that an earlier body was in: a list of large pages then does not get
    /// fresh memory from the system for each.
    pub(crate) async fn read_into(
        mut self,
        mut whole: BytesMut,
        expected: Option<u64>,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let too_large = || {
            TransportError::new(TransportErrorKind::TooLarge)
                .with_detail(format!("more than the limit of {limit} bytes"))
        };
        if expected.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large());
        }
        // Most bodies come in one chunk; that chunk is kept as it is.
        let Some(second) = self.next().await.transpose()? else { return Ok(first) };
        let reserve = usize::try_from(expected.unwrap_or(0)).unwrap_or(FIRST_RESERVE).min(FIRST_RESERVE);
        whole.clear();
        whole.reserve(reserve.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if whole.len() + chunk.len() > limit {
                return Err(too_large());
            }
            whole.extend_from_slice(&chunk);
            next = self.next().await.transpose()?;
        }
        Ok(whole.freeze())
    }
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Source::Full(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Source::Stream(chunks) => chunks.as_mut().poll_next(context),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![b'x'; *size]))).collect();
        Body::stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn chunks_are_joined() {
        assert_eq!(chunks(&[3, 0, 4]).read(None, 10).await.unwrap().len(), 7);
        assert_eq!(chunks(&[]).read(Some(0), 10).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn the_memory_of_an_earlier_body_is_used_again_and_its_content_is_not() {
        let earlier = chunks(&[500, 500]).read(None, 2000).await.unwrap();
        let place = earlier.as_ptr();
        let again = chunks(&[3, 4]).read_into(earlier.try_into_mut().unwrap(), None, 2000).await.unwrap();
        assert_eq!((again.len(), again.as_ptr()), (7, place));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_announced_or_not() {
        for (body, expected) in [(chunks(&[1]), Some(11)), (chunks(&[11]), None), (chunks(&[6, 6]), Some(2))]
        {
            let error = body.read(expected, 10).await.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::TooLarge);
        }
    }

    #[tokio::test]
    async fn an_announced_length_is_not_set_aside_in_full() {
        // A hostile length must not cost memory before a byte has come.
        let body = chunks(&[1, 1]).read(Some(u64::from(u32::MAX)), usize::MAX).await.unwrap();
        assert_eq!(body.len(), 2);
    }
}
