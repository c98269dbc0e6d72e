//! The macro that makes an operation: a builder around one call.

/// Makes the builder of an operation. The setters for the API's own fields are written beside it, in plain
/// `impl` blocks; the options of a call (`with_…`) and `send` come from here.
///
/// A list names its member, as in `-> FileList, list "DATA"`: if that is not the list expected, the call fails, where a
/// document would set the odd member aside and look empty.
macro_rules! operation {
    ($(#[$attribute:meta])* $name:ident -> $answer:ty $(, list $list:literal)?) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        #[must_use = "an operation does nothing until it is sent"]
        pub struct $name {
            call: globus_core::Call,
        }

        $crate::operation::call_options!($name);

        impl $name {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the document
            /// expected. See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                let answer: globus_core::Response<$answer> = self.call.send_document().await?;
                $($crate::operation::check_list(&answer.extra, $list)?;)?
                Ok(answer)
            }
        }
    };
}

/// The options that every call has.
macro_rules! call_options {
    ($name:ident) => {
        impl $name {
            /// How long the whole call may take, waits between attempts included.
            pub fn with_timeout(mut self, total: std::time::Duration) -> Self {
                self.call = self.call.with_timeout(total);
                self
            }

            /// Retries by another policy than the client's.
            pub fn with_retry(mut self, policy: globus_core::RetryPolicy) -> Self {
                self.call = self.call.with_retry(policy);
                self
            }

            /// Sets a query parameter that has no setter of its own, in place of one of that name.
            #[doc(alias = "query_params")]
            pub fn with_query(mut self, name: impl Into<String>, value: impl std::fmt::Display) -> Self {
                self.call = self.call.set_query(name, value);
                self
            }

            /// Sets a header.
            pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
                self.call = self.call.header(name, value);
                self
            }
        }
    };
}

/// Fails where the list of an answer is something else, which decoding set aside.
pub(crate) fn check_list(extra: &globus_core::decode::Extra, list: &str) -> globus_core::Result<()> {
    if extra.contains_key(list) {
        return Err(globus_core::Error::unexpected_answer(format!(
            "the answer's `{list}` is not the list expected; read it with the client's `request`"
        )));
    }
    Ok(())
}

pub(crate) use {call_options, operation};
