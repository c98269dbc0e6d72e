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
/// the answer's type `list "DATA"`, where the answer is a list, with `by` and its paging where it comes in pages, or
/// `member "project"`, where the answer is one member of the document that comes.
///
/// Then may stand, in this order:
///
/// * `needs SCOPE;` where the operation needs another scope than most of its client's;
/// * `envelope "project";` where the members of the body stand inside one member of it, which is always sent. The
///   builder gets a setter `field` for members that have no setter of their own;
/// * `not both "ids", "domains";` where two parameters of the query exclude each other;
/// * `ask { "parameter": value, … }`, the parameters of the query that are always sent;
/// * `send { "member": value, … }`, the members of a JSON body that are always sent;
/// * `query { … }` and `body { … }`, the setters of what is optional.
///
/// A setter is `name: kind`, or `name as "wire name": kind`:
///
/// | kind | takes | sends |
/// |---|---|---|
/// | `text` | `impl Into<String>` | as it is |
/// | `list` | `impl Into<CommaList>` | joined with commas |
/// | `bit` | `bool` | `1` or `0` |
/// | `word` | `bool` | `True` or `False` |
/// | `null` | nothing | null, which is not the same as nothing |
/// | a type | that type | as it is shown; in a body, as JSON |
/// | a type in parentheses | what turns into it | the same |
/// | a type in brackets | several of what turns into it | a JSON array |
///
/// What needs more than that is written beside it, in a plain `impl` block.
macro_rules! operation {
    (
        $(#[$attribute:meta])*
        $client:ident.$method:ident($($argument:ident: $type:ty),* $(,)?) -> $builder:ident;
        $verb:ident $path:literal $(($repeatable:ident))? => $answer:ty
            $(, list $list:literal $(by $paging:expr)?)? $(, member $part:literal)?;
        $(needs $scope:expr;)?
        $(envelope $envelope:literal;)?
        $(not both $one:literal, $other:literal;)?
        $(ask { $($parameter:literal: $asked:expr),* $(,)? })?
        $(send { $($member:literal: $value:expr),* $(,)? })?
        $(query { $($query:tt)* })?
        $(body { $($body:tt)* })?
    ) => {
        impl $client {
            $(#[$attribute])*
            pub fn $method(&self, $($argument: impl Into<$type>),*) -> $builder {
                $(let $argument: $type = $argument.into();)*
                let call = self.base.operation(&$builder::INFO, format!($path));
                $(let call = call.member($envelope, serde_json::Map::new());)?
                $($(let call = call.set_query($parameter, $asked);)*)?
                let call = $crate::operation::send_members!(call, ($($envelope)?) $($($member: $value),*)?);
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
            .needing($crate::operation::first!($($scope,)? $client::SCOPE))
            $(.listing($crate::operation::list!($list $(by $paging)?)))?
            $(.$repeatable())?;

            $($crate::operation::setters! { set_query; $($query)* })?
            $crate::operation::body_setters! { ($($envelope)?) $($($body)*)? }
        }

        $crate::operation::send!(
            $builder [$($one, $other)?] => $answer $(, $list $(by $paging)?)? $(, member $part)?
        );
    };
}

/// The first of several expressions.
macro_rules! first {
    ($first:expr $(, $rest:expr)* $(,)?) => {
        $first
    };
}

/// The members that are always sent, in their envelope where there is one.
macro_rules! send_members {
    ($call:ident, ($($envelope:literal)?) ) => {
        $call
    };
    ($call:ident, () $($member:literal: $value:expr),+) => {
        $call$(.member($member, $value))+
    };
    ($call:ident, ($envelope:literal) $($member:literal: $value:expr),+) => {
        $call$(.member_in($envelope, $member, $value))+
    };
}

/// The setters of a body, in its envelope where there is one.
macro_rules! body_setters {
    (() $($body:tt)*) => {
        $crate::operation::setters! { member; $($body)* }
    };
    (($envelope:literal) $($body:tt)*) => {
        $crate::operation::setters! { (member_in $envelope); $($body)* }

        #[doc = concat!(
            "Sets any member of the `", $envelope, "` that is sent, in place of one of that name: for what has no \
             setter of its own."
        )]
        #[doc(alias = "additional_fields")]
        pub fn field(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
            self.call = self.call.member_in($envelope, name, value);
            self
        }
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
    ($builder:ident [$($one:literal, $other:literal)?] => $answer:ty) => {
        impl $builder {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the document
            /// expected. See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                $($crate::operation::not_both(&self.call, $one, $other)?;)?
                self.call.send_document().await
            }
        }
    };
    ($builder:ident [$($one:literal, $other:literal)?] => $answer:ty, member $part:literal) => {
        impl $builder {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the document
            /// expected. See [`Error`](globus_core::Error) for what to do about each.
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                $($crate::operation::not_both(&self.call, $one, $other)?;)?
                self.call.send_member($part).await
            }
        }
    };
    ($builder:ident [$($one:literal, $other:literal)?] => $answer:ty, $items:literal) => {
        impl $builder {
            /// Sends the request.
            ///
            /// # Errors
            ///
            /// The service's error, the failure to reach it, or an answer that is not the list expected.
            /// See [`Error`](globus_core::Error) for what to do about each.
            $(#[doc = concat!(
                "A usage error, and nothing is sent, where both `", $one, "` and `", $other, "` are set."
            )])?
            pub async fn send(self) -> globus_core::Result<globus_core::Response<$answer>> {
                $($crate::operation::not_both(&self.call, $one, $other)?;)?
                self.call.send_page($crate::operation::list!($items)).await
            }
        }
    };
    ($builder:ident [] => $answer:ty, $items:literal by $paging:expr) => {
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

/// Fails where two parameters of the query are set that exclude each other.
#[cfg(feature = "auth")]
pub(crate) fn not_both(call: &globus_core::Call, one: &str, other: &str) -> globus_core::Result<()> {
    if call.has_query(one) && call.has_query(other) {
        return Err(globus_core::Error::usage(format!(
            "`{one}` and `{other}` exclude each other; set one of them"
        )));
    }
    Ok(())
}

/// Python's text of a boolean, where a service is known to take no other.
#[cfg(feature = "auth")]
pub(crate) const fn word(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Setters of optional parameters, through `Call::set_query`, `Call::member` or `Call::member_in`.
macro_rules! setters {
    ($through:tt;) => {};
    ($through:tt; $(#[$attribute:meta])* $name:ident $(as $wire:literal)?: $kind:tt, $($rest:tt)*) => {
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
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, text) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<String>) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, $name.into());
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, list) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<globus_core::call::CommaList>) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, String::from($name.into()));
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, bit) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: bool) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, u8::from($name));
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, word) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: bool) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, $crate::operation::word($name));
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, null) => {
        $(#[$attribute])*
        pub fn $name(mut self) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, serde_json::Value::Null);
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, ($type:ty)) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl Into<$type>) -> Self {
            let value: $type = $name.into();
            self.call = $crate::operation::put!(self.call, $through, $wire, value);
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, [$type:ty]) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: impl IntoIterator<Item = impl Into<$type>>) -> Self {
            let values = $name.into_iter().map(|value| serde_json::Value::from(Into::<$type>::into(value)));
            let values: Vec<serde_json::Value> = values.collect();
            self.call = $crate::operation::put!(self.call, $through, $wire, values);
            self
        }
    };
    ($through:tt, ($(#[$attribute:meta])*) $name:ident, $wire:expr, $type:tt) => {
        $(#[$attribute])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.call = $crate::operation::put!(self.call, $through, $wire, $name);
            self
        }
    };
}

/// Puts a value where its setter says.
macro_rules! put {
    ($call:expr, (member_in $envelope:literal), $wire:expr, $value:expr) => {
        $call.member_in($envelope, $wire, $value)
    };
    ($call:expr, $through:ident, $wire:expr, $value:expr) => {
        $call.$through($wire, $value)
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

pub(crate) use {
    body_setters, call_options, first, list, operation, operations, put, send, send_members, setter, setters,
    wire_name,
};
