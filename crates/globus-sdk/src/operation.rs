//! The macro that makes an operation: the client's method, a builder around one call, and what is fixed about it.

/// Makes an operation of a client, whole: the client's method, its builder, its
/// [`OperationInfo`](globus_core::call::OperationInfo).
///
/// ```ignore
/// operation! {
///     /// What the operation does: the documentation of the client's method.
///     TransferClient.task_list() -> TaskList;
///     GET "/v0.10/task_list" => TaskPage, list "DATA" by Paging::LimitOffsetTotal { page_size: 1000, cap: 1000 };
///     query {
///         /// A setter for a parameter of the query.
///         orderby: list,
///         limit: u32,
///     }
/// }
/// ```
///
/// Each argument is taken as `impl Into` its type, and is part of the path where the path names it in braces.
/// After the path may stand `(repeatable)`, where a call can be sent again although its method does not say so; after
/// the answer's type `list "DATA"`, where the answer is a list, with `by` and its paging where it comes in pages.
///
/// `send { "member": value, … }` gives the members of a JSON body that are always sent; `query { … }` and
/// `body { … }` the setters of what is optional. A setter is `name: kind`, or `name as "wire name": kind`:
///
/// | kind | takes | sends |
/// |---|---|---|
/// | `text` | `impl Into<String>` | as it is |
/// | `list` | `impl Into<CommaList>` | joined with commas |
/// | `bit` | `bool` | `1` or `0` |
/// | a type | that type | as it is shown; in a body, as JSON |
/// | a type in parentheses | what turns into it | the same |
///
/// What needs more than that is written beside it, in a plain `impl` block.
macro_rules! operation {
    (
        $(#[$attribute:meta])*
        $client:ident.$method:ident($($argument:ident: $type:ty),* $(,)?) -> $builder:ident;
        $verb:ident $path:literal $(($repeatable:ident))? => $answer:ty
            $(, list $list:literal $(by $paging:expr)?)?;
        $(send { $($member:literal: $value:expr),* $(,)? })?
        $(query { $($query:tt)* })?
        $(body { $($body:tt)* })?
    ) => {
        impl $client {
            $(#[$attribute])*
            pub fn $method(&self, $($argument: impl Into<$type>),*) -> $builder {
                $(let $argument: $type = $argument.into();)*
                let call = self.base.operation(&$builder::INFO, format!($path));
                $($(let call = call.member($member, $value);)*)?
                $builder { call }
            }
        }

        #[doc = concat!(
            "`", stringify!($verb), " ", $path, "`. From [`", stringify!($client), "::", stringify!($method),
            "`](crate::", stringify!($client), "::", stringify!($method), ")."
        )]
        #[derive(Debug, Clone)]
        #[must_use = "an operation does nothing until it is sent"]
        pub struct $builder {
            call: globus_core::Call,
        }

        $crate::operation::call_options!($builder);

        impl $builder {
            /// What is the same for every call of this operation.
            pub const INFO: globus_core::call::OperationInfo = globus_core::call::OperationInfo::new(
                stringify!($method),
                $client::SERVICE,
                http::Method::$verb,
                $path,
            )
            .needing($client::SCOPE)
            $(.listing($crate::operation::list!($list $(by $paging)?)))?
            $(.$repeatable())?;

            $($crate::operation::setters! { set_query; $($query)* })?
            $($crate::operation::setters! { member; $($body)* })?
        }

        $crate::operation::send!($builder => $answer $(, $list $(by $paging)?)?);
    };
}

/// The list in an answer.
macro_rules! list {
    ($items:literal) => {
        globus_core::call::List::new($items, globus_core::call::Paging::None)
    };
    ($items:literal by $paging:expr) => {
        globus_core::call::List::new($items, $paging)
    };
}

/// The end of a builder: `send`, and where there are pages, `pages` and `items`.
macro_rules! send {
    ($builder:ident => $answer:ty) => {
        impl $builder {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the document
            /// expected. See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                self.call.send_document().await
            }
        }
    };
    ($builder:ident => $answer:ty, $items:literal) => {
        impl $builder {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the list expected.
            /// See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                self.call.send_page($crate::operation::list!($items)).await
            }
        }
    };
    ($builder:ident => $answer:ty, $items:literal by $paging:expr) => {
        impl $builder {
            const LIST: globus_core::call::List = $crate::operation::list!($items by $paging);

            /// Sends the request, for one page.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the list expected.
            /// See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                self.call.send_page(Self::LIST).await
            }

            /// The pages of the whole list, fetched as they are asked for. [`Pages`](globus_core::paging::Pages)
            /// says how to read them, and what can go wrong.
            pub fn pages(self) -> globus_core::paging::Pages<$answer> {
                self.call.pages(Self::LIST)
            }

            /// The items of the whole list, over all its pages, fetched as they are asked for.
            /// [`Items`](globus_core::paging::Items) says how to read them, and what can go wrong.
            pub fn items(self) -> globus_core::paging::Items<$answer> {
                self.call.items(Self::LIST)
            }
        }
    };
}

/// Setters of optional parameters, through `Call::set_query` or `Call::member`.
macro_rules! setters {
    ($through:ident;) => {};
    ($through:ident; $(#[$attribute:meta])* $name:ident $(as $wire:literal)?: $kind:tt, $($rest:tt)*) => {
        $crate::operation::setter! {
            $through, ($(#[$attribute])*) $name, $crate::operation::wire_name!($name $($wire)?), $kind
        }
        $crate::operation::setters! { $through; $($rest)* }
    };
}

macro_rules! wire_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $wire:literal) => {
        $wire
    };
}

macro_rules! setter {
    ($through:ident, ($(#[$attribute:meta])*) $name:ident, $wire:expr, text) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<String>) -> Self {
            self.call = self.call.$through($wire, $name.into());
            self
        }
    };
    ($through:ident, ($(#[$attribute:meta])*) $name:ident, $wire:expr, list) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<globus_core::call::CommaList>) -> Self {
            self.call = self.call.$through($wire, String::from($name.into()));
            self
        }
    };
    ($through:ident, ($(#[$attribute:meta])*) $name:ident, $wire:expr, bit) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: bool) -> Self {
            self.call = self.call.$through($wire, u8::from($name));
            self
        }
    };
    ($through:ident, ($(#[$attribute:meta])*) $name:ident, $wire:expr, ($type:ty)) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<$type>) -> Self {
            let value: $type = $name.into();
            self.call = self.call.$through($wire, value);
            self
        }
    };
    ($through:ident, ($(#[$attribute:meta])*) $name:ident, $wire:expr, $type:tt) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.call = self.call.$through($wire, $name);
            self
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

/// The modules of a service's operations, what they export, and the list of them all.
macro_rules! operations {
    ($($module:ident: $builder:ident),* $(,)?) => {
        $(mod $module;)*

        $(pub use self::$module::$builder;)*

        /// What is fixed about every operation of this service that the SDK has.
        pub const OPERATIONS: &[globus_core::call::OperationInfo] = &[$($builder::INFO),*];
    };
}

pub(crate) use {call_options, list, operation, operations, send, setter, setters, wire_name};
