//! How the types of the standard library and of other crates are read.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Decode, DecodeError, Reader};

impl Decode for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.boolean()
    }
}

macro_rules! integers {
    ($($type:ty = $name:literal),*) => {$(
        impl Decode for $type {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.integer($name)
            }
        }
    )*};
}

integers! {
    u8 = "an unsigned 8-bit integer", u16 = "an unsigned 16-bit integer", u32 = "an unsigned 32-bit integer",
    u64 = "an unsigned 64-bit integer", usize = "a size",
    i8 = "an 8-bit integer", i16 = "a 16-bit integer", i32 = "a 32-bit integer", i64 = "a 64-bit integer",
    isize = "a signed size"
}

impl Decode for f64 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.float()
    }
}

impl Decode for String {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.string().map(Cow::into_owned)
    }
}

impl Decode for Value {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.value()
    }
}

impl Decode for Uuid {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.save();
        let text = reader.string()?;
        Self::try_parse(&text).map_err(|_| reader.unfit(start, "a UUID"))
    }
}

/// `null` is `None`.
impl<T: Decode> Decode for Option<T> {
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.null()? { Ok(None) } else { T::decode(reader).map(Some) }
    }

    #[inline]
    fn decode_into(place: &mut Self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        if reader.null()? {
            *place = None;
            return Ok(());
        }
        T::decode_some(place, reader)
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode(reader).map(Self::new)
    }
}

/// From so many items on, a list is made as large at once as the rest of the body has items like them: to grow
/// step by step costs copies, and memory that is never used again.
const LONG: usize = 32;

impl<T: Decode> Decode for Vec<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut list = Self::new();
        let mut count = 0;
        reader.begin_array()?;
        let start = reader.offset();
        let mut first = true;
        while reader.item(&mut first).map_err(|error| error.at_index(count))? {
            if count == list.capacity() && count >= LONG {
                list.reserve_exact(reader.room_for::<T>(start, count));
            }
            T::decode_onto(&mut list, reader).map_err(|error| error.at_index(count))?;
            count += 1;
        }
        Ok(list)
    }
}

/// Reads the members of an object one by one.
fn members<T: Decode>(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(Cow<'_, str>, T),
) -> Result<(), DecodeError> {
    // A value that does not fit may be replaced by a later one of the same name, which does.
    let mut odd = BTreeMap::new();
    reader.begin_object()?;
    let mut first = true;
    while let Some(key) = reader.key(&mut first)? {
        let start = reader.save();
        match T::decode(reader) {
            Ok(value) => {
                if !odd.is_empty() {
                    odd.remove(&key);
                }
                each(key, value);
            }
            Err(error) if error.is_syntax() => return Err(error.in_unnamed()),
            Err(error) => {
                reader.rewind(start);
                reader.value().map_err(DecodeError::in_unnamed)?;
                odd.insert(key, error.in_unnamed());
            }
        }
    }
    odd.into_values().min_by_key(DecodeError::offset).map_or(Ok(()), Err)
}

impl<K, T> Decode for BTreeMap<K, T>
where
    K: Ord + for<'k> From<Cow<'k, str>>,
    T: Decode,
{
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::new();
        members(reader, |key, value| {
            map.insert(K::from(key), value);
        })?;
        Ok(map)
    }
}

impl<K, T, H> Decode for HashMap<K, T, H>
where
    K: Eq + Hash + for<'k> From<Cow<'k, str>>,
    T: Decode,
    H: BuildHasher + Default,
{
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::default();
        members(reader, |key, value| {
            map.insert(K::from(key), value);
        })?;
        Ok(map)
    }
}

impl Decode for Map<String, Value> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.object()
    }
}
