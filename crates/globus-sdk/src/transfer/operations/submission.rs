//! The macro that makes an operation which submits a task.

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
            .repeatable();

            /// Sends the request, after one for a submission id if the document has none. With that id the
            /// submission is sent again after a failure that leaves open whether it was processed, and is done
            /// once.
            ///
            /// # Errors
            ///
            /// The service's error, or the failure to reach it. See [`Error`](globus_core::Error) for what to do
            /// about each.
            pub async fn send(
                mut self,
            ) -> globus_core::Result<globus_core::Response<$crate::transfer::SubmitResponse>> {
                if self.$data.0.submission_id.is_none() {
                    let answer = self.client.get_submission_id().send().await?;
                    self.$data.0.submission_id = Some(answer.value.to_string());
                }
                self.call.json(&self.$data).send_document().await
            }
        }
    };
}

pub(super) use submission;
