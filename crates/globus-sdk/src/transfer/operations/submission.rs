//! The macro that makes an operation which submits a task.

use globus_core::{Error, Response, Result};
use serde_json::Value;

use crate::transfer::{SubmissionId, SubmitResponse};

/// Makes an operation that submits a document, after one for a submission id where the document has none.
macro_rules! submission {
    (
        $(#[$attribute:meta])*
        $client:ident.$method:ident($data:ident: $document:ty) -> $builder:ident;
        POST $path:literal
    ) => {
        impl $client {
            $(#[$attribute])*
            pub fn $method(&self, $data: $document) -> $builder {
                $builder { client: self.clone(), call: self.base.operation(&$builder::INFO, $path), $data }
            }
        }

        #[doc = concat!(
            "`POST ", $path, "`. From [`", stringify!($client), "::", stringify!($method), "`](crate::",
            stringify!($client), "::", stringify!($method), ")."
        )]
        #[derive(Debug, Clone)]
        #[must_use = "an operation does nothing until it is sent"]
        pub struct $builder {
            client: $client,
            call: globus_core::Call,
            $data: $document,
        }

        $crate::operation::call_options!($builder);

        impl $builder {
            /// What is the same for every call of this operation. It can be repeated: with the same submission
            /// id the service answers the same task.
            pub const INFO: globus_core::call::OperationInfo = globus_core::call::OperationInfo::new(
                stringify!($method),
                $client::SERVICE,
                http::Method::POST,
                $path,
            )
            .needing($client::SCOPE)
            .repeatable();

            /// Sends the request, after one for a submission id if the document has none. With that id the
            /// submission is sent again after a failure that leaves open whether it was processed, and is done
            /// once.
            ///
            /// # Errors
            ///
            /// A usage error where the document's submission id is no text, or an empty one: nothing would keep a
            /// repeated submission from being done twice. The service's error, or the failure to reach it. A decode
            /// error where no submission id was answered, and nothing was submitted; or where no task id was, and
            /// the task may exist. See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(
                mut self,
            ) -> globus_core::Result<globus_core::Response<$crate::transfer::SubmitResponse>> {
                match &self.$data.0.submission_id {
                    Some(id) => super::submission::check(id)?,
                    None => {
                        let answer = self.client.get_submission_id().send().await?;
                        self.$data.0.submission_id = Some(super::submission::id(&answer)?);
                    }
                }
                let answer = self.call.json(&self.$data).send_document().await?;
                super::submission::task(stringify!($method), answer)
            }
        }
    };
}

/// The submission id of an answer. Without one, nothing would keep a repeated submission from being done twice.
pub(super) fn id(answer: &SubmissionId) -> Result<Value> {
    if answer.value.is_empty() {
        return Err(Error::unexpected_answer(
            "the answer holds no submission id (`value`); nothing was submitted",
        ));
    }
    Ok(answer.value.as_str().into())
}

/// Refuses what cannot be a submission id.
pub(super) fn check(id: &Value) -> Result<()> {
    if id.as_str().is_some_and(|id| !id.is_empty()) {
        return Ok(());
    }
    Err(Error::usage(
        "the document's submission_id must be a text that is not empty; leave it out to have one asked for",
    ))
}

/// An answer that names the task. Any other is of no use, and the task may exist.
pub(super) fn task(operation: &str, answer: Response<SubmitResponse>) -> Result<Response<SubmitResponse>> {
    if answer.task_id.is_nil() {
        return Err(Error::unexpected_answer(format!(
            "the answer to {operation} names no task (`task_id`); the task may exist, so look for it with task_list, \
             or submit again with the same submission id"
        )));
    }
    Ok(answer)
}

pub(super) use submission;
