use globus_core::decode::Text;
use globus_core::document;

document! {
    /// What became of an operation that answers nothing else.
    pub struct OperationResult {
        /// The kind of result, such as `mkdir_result`.
        pub data_type as "DATA_TYPE": Text,
        /// The service's word for it, such as `DirectoryCreated`.
        pub code: Text,
        /// A sentence for people.
        pub message: Text,
        /// The path that was called.
        pub resource: Option<Text>,
        /// The service's name for this exchange, to quote when asking for support.
        pub request_id: Option<Text>,
    }
}
