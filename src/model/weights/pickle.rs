//! Pickles of tensors, read without executing anything.
//!
//! A pickle is a program for a stack machine that may call any function. Here it may call the few that PyTorch's state
//! dicts are made of; every other name and every other instruction is an error that says which.

use std::collections::HashMap;

use safetensors::Dtype;

/// Most bytes of a pickle: names and shapes, not values.
pub const LONGEST: usize = 16 << 20;
/// Most values that a pickle may make.
const MOST: usize = 1_000_000;
/// Most axes of a tensor, and most arguments of a call: what is copied whenever it is referred to.
const MOST_ITEMS: usize = 64;
/// Most bytes of a storage's key.
const LONGEST_KEY: usize = 256;

/// Index of a value; containers are shared by what refers to them.
pub type Id = usize;

/// What a pickle may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    /// Tuples and lists.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Function(Function),
    Storage(Storage),
    Tensor(View),
}

/// What a pickle may call or refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Dtype),
}

/// Memory that tensors lie in, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    pub key: String,
    pub dtype: Dtype,
    /// Values, as the pickle declares.
    pub length: usize,
}

/// A tensor in a storage; offset and strides count values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// A finished pickle.
pub struct Pickle {
    values: Vec<Value>,
    pub root: Id,
    /// Bytes it took.
    pub length: usize,
}

impl Pickle {
    pub fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// Everything it made on the way.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The entries of a dictionary whose keys are texts.
    pub fn entries(&self, id: Id) -> Vec<(&str, Id)> {
        let Value::Dict(entries) = self.value(id) else { return Vec::new() };
        let named = |&(key, value): &(Id, Id)| match self.value(key) {
            Value::Text(name) => Some((name.as_str(), value)),
            _ => None,
        };
        entries.iter().filter_map(named).collect()
    }
}

/// Reads one pickle from the beginning of `bytes`.
///
/// # Errors
/// What is not part of a state dict, named; a pickle that ends early or contradicts itself.
pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    machine.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

fn contradiction() -> String {
    "the pickle contradicts itself".to_owned()
}

impl Machine<'_> {
    fn run(mut self) -> Result<Pickle, String> {
        loop {
            let [code] = self.take::<1>()?;
            if code == b'.' {
                let root = self.pop()?;
                return Ok(Pickle { values: self.values, root, length: self.at });
            }
            self.step(code)?;
            if self.values.len() > MOST {
                return Err(format!("the pickle makes more than {MOST} values"));
            }
        }
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            // PROTO, FRAME
            0x80 => self.skip(1),
            0x95 => self.skip(8),
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' | b'M' | b'J' | 0x8a | b'G' => self.number(code),
            b'X' | 0x8c | 0x8d | b'U' | b'T' => self.text(code),
            b')' | b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85..=0x87 => self.tuple(usize::from(code - 0x84)),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b't' | b'l' => {
                let items = self.since_mark()?;
                self.push(Value::List(items))
            }
            b'a' | b'e' | b's' | b'u' => self.extend(code),
            b'q' | b'r' | b'h' | b'j' | 0x94 => self.remember(code),
            b'c' | 0x93 => self.global(code),
            b'Q' => self.persistent(),
            b'R' => self.reduce(),
            b'b' => self.build(),
            b'0' => self.pop().map(drop),
            other => Err(format!(
                "the pickle has the instruction 0x{other:02x}, which tensors have no use for; nothing was executed"
            )),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.slice(N)?.try_into().map_err(|_| contradiction())
    }

    fn slice(&mut self, length: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| "the pickle ends in the middle".to_owned())?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn skip(&mut self, length: usize) -> Result<(), String> {
        self.slice(length).map(drop)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.values.push(value);
        self.stack.push(self.values.len() - 1);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= bottom {
            return Err(contradiction());
        }
        self.stack.pop().ok_or_else(contradiction)
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(contradiction)
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(contradiction)?;
        if mark > self.stack.len() {
            return Err(contradiction());
        }
        Ok(self.stack.split_off(mark))
    }

    fn number(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'K' => Value::Int(i128::from(self.take::<1>()?[0])),
            b'M' => Value::Int(i128::from(u16::from_le_bytes(self.take()?))),
            b'J' => Value::Int(i128::from(i32::from_le_bytes(self.take()?))),
            b'G' => Value::Float(f64::from_be_bytes(self.take()?)),
            _ => Value::Int(self.long()?),
        };
        self.push(value)
    }

    /// A whole number of up to 16 bytes, in two's complement.
    fn long(&mut self) -> Result<i128, String> {
        let [length] = self.take::<1>()?;
        let bytes = self.slice(usize::from(length))?;
        if bytes.len() > 16 {
            return Err("the pickle has a number of more than 16 bytes".into());
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut all = [if negative { 0xff } else { 0 }; 16];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(i128::from_le_bytes(all))
    }

    fn text(&mut self, code: u8) -> Result<(), String> {
        let length = match code {
            0x8c | b'U' => usize::from(self.take::<1>()?[0]),
            0x8d => usize::try_from(u64::from_le_bytes(self.take()?)).map_err(|_| contradiction())?,
            _ => u32::from_le_bytes(self.take()?) as usize,
        };
        let text = std::str::from_utf8(self.slice(length)?).map_err(|_| "a text is not UTF-8".to_owned())?;
        let text = text.to_owned();
        self.push(Value::Text(text))
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let mut items = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Value::List(items))
    }

    /// APPEND, APPENDS, SETITEM, SETITEMS.
    fn extend(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.since_mark()?,
        };
        let into = self.top()?;
        match &mut self.values[into] {
            Value::List(list) if matches!(code, b'a' | b'e') => list.extend(items),
            Value::Dict(dict) if matches!(code, b's' | b'u') && items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return Err(contradiction()),
        }
        Ok(())
    }

    /// BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET.
    fn remember(&mut self, code: u8) -> Result<(), String> {
        let place = match code {
            b'q' | b'h' => usize::from(self.take::<1>()?[0]),
            0x94 => self.memo.len(),
            _ => u32::from_le_bytes(self.take()?) as usize,
        };
        if matches!(code, b'h' | b'j') {
            let id = *self.memo.get(&place).ok_or_else(contradiction)?;
            self.stack.push(id);
            return Ok(());
        }
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    /// GLOBAL, STACK_GLOBAL.
    fn global(&mut self, code: u8) -> Result<(), String> {
        let [module, name] = if code == b'c' {
            [self.line()?, self.line()?]
        } else {
            let name = self.pop()?;
            let module = self.pop()?;
            [module, name].map(|id| match &self.values[id] {
                Value::Text(text) => text.clone(),
                _ => String::new(),
            })
        };
        let function = function(&module, &name).ok_or_else(|| {
            format!("it refers to `{module}.{name}`, which is no part of a tensor; nothing was executed")
        })?;
        self.push(Value::Function(function))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(contradiction)?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    /// BINPERSID: `("storage", type, key, device, length, ..)`.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let parts = self.list(id)?.to_vec();
        let [kind, dtype, key, _, length, ..] = parts[..] else { return Err(contradiction()) };
        let storage = match [kind, dtype, key].map(|id| &self.values[id]) {
            [Value::Text(kind), Value::Function(Function::Storage(dtype)), Value::Text(key)]
                if kind == "storage" && key.len() <= LONGEST_KEY =>
            {
                Storage { key: key.clone(), dtype: *dtype, length: self.size(length)? }
            }
            _ => return Err("it refers to something outside that is not a storage".into()),
        };
        self.push(Value::Storage(storage))
    }

    fn list(&self, id: Id) -> Result<&[Id], String> {
        match &self.values[id] {
            Value::List(items) if items.len() <= MOST_ITEMS => Ok(items),
            Value::List(items) => Err(format!("the pickle calls something with {} arguments", items.len())),
            _ => Err(contradiction()),
        }
    }

    fn size(&self, id: Id) -> Result<usize, String> {
        match self.values[id] {
            Value::Int(size) => usize::try_from(size).map_err(|_| contradiction()),
            _ => Err(contradiction()),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, String> {
        self.list(id)?.iter().map(|&id| self.size(id)).collect()
    }

    fn reduce(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Value::Function(function) = self.values[callee] else {
            return Err("it calls something that is no function".into());
        };
        let arguments = self.list(arguments)?.to_vec();
        let value = match (function, &arguments[..]) {
            (Function::OrderedDict, []) => Value::Dict(Vec::new()),
            (Function::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
                let Value::Storage(storage) = &self.values[storage] else { return Err(contradiction()) };
                let storage = storage.clone();
                let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
                Value::Tensor(View { storage, offset: self.size(offset)?, shape, strides })
            }
            (Function::RebuildParameter, &[tensor, ..]) => self.values[tensor].clone(),
            _ => return Err(contradiction()),
        };
        self.push(value)
    }

    /// Attributes of a dictionary, such as the versions of its modules: nothing reads them.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        match self.values[self.top()?] {
            Value::Dict(_) => Ok(()),
            _ => Err("it sets attributes of something that is no dictionary; nothing was executed".into()),
        }
    }
}

fn function(module: &str, name: &str) -> Option<Function> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Function::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Function::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Function::RebuildParameter,
        ("torch", "FloatStorage") => Function::Storage(Dtype::F32),
        ("torch", "DoubleStorage") => Function::Storage(Dtype::F64),
        ("torch", "HalfStorage") => Function::Storage(Dtype::F16),
        ("torch", "BFloat16Storage") => Function::Storage(Dtype::BF16),
        ("torch", "LongStorage") => Function::Storage(Dtype::I64),
        ("torch", "IntStorage") => Function::Storage(Dtype::I32),
        ("torch", "ShortStorage") => Function::Storage(Dtype::I16),
        ("torch", "CharStorage") => Function::Storage(Dtype::I8),
        ("torch", "ByteStorage") => Function::Storage(Dtype::U8),
        ("torch", "BoolStorage") => Function::Storage(Dtype::BOOL),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(bytes: &[u8]) -> String {
        read(bytes).err().unwrap()
    }

    #[test]
    fn a_call_of_anything_else_is_refused_by_name() {
        assert!(refused(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.").contains("`os.system`"));
        let stacked = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.";
        assert!(refused(stacked).contains("`builtins.eval`"), "{}", refused(stacked));
        // INST, OBJ, NEWOBJ, EXT1 and the protocol-0 persistent id are other ways to a class.
        for code in [b'i', b'o', 0x81, 0x82, b'P'] {
            assert!(refused(&[0x80, 2, code]).contains("instruction"), "{code:x}");
        }
    }

    #[test]
    fn containers_are_shared_by_reference() {
        // {"a": [1]}, the list extended after it was stored.
        let bytes = b"\x80\x02}q\x00]q\x01X\x01\x00\x00\x00ah\x01s0h\x01K\x01ah\x00.";
        let pickle = read(b"\x80\x02}q\x00X\x01\x00\x00\x00a]q\x01sh\x01K\x01a0h\x00.").unwrap();
        let entries = pickle.entries(pickle.root);
        let Value::List(list) = pickle.value(entries[0].1) else { panic!("{:?}", pickle.values) };
        assert_eq!(pickle.value(list[0]), &Value::Int(1));
        assert!(read(bytes).is_err());
    }

    #[test]
    fn what_is_copied_at_every_reference_is_short() {
        // `OrderedDict(*items)`, with more items than any tensor has axes.
        let mut bytes = b"\x80\x02ccollections\nOrderedDict\n(".to_vec();
        bytes.extend([b'N'; 1000]);
        bytes.extend(b"tR.");
        assert!(refused(&bytes).contains("with 1000 arguments"), "{}", refused(&bytes));
        let mut bytes = b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x00\x02\x00\x00".to_vec();
        bytes.extend([b'1'; 512]);
        bytes.extend(b"X\x03\x00\x00\x00cpuK\x01tQ.");
        assert!(refused(&bytes).contains("not a storage"), "{}", refused(&bytes));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
