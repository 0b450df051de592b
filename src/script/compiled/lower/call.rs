//! Calls of functions by their names, and operators, which are calls, too.

use rhai::FnCallExpr;

use super::{Lower, Lowered, NotCovered};
use crate::script::api::Host;
use crate::script::compiled::code::{Code, Operator};

/// Functions of Rhai's that change nothing and call nobody, as far as scripts are seen to use them. They are
/// called by Rhai.
const RHAIS_PURE: [&str; 28] = [
    "abs",
    "ceiling",
    "chars",
    "contains",
    "ends_with",
    "floor",
    "get",
    "index_of",
    "int",
    "is_empty",
    "keys",
    "len",
    "max",
    "min",
    "parse_float",
    "parse_int",
    "round",
    "split",
    "split_rev",
    "starts_with",
    "sub_string",
    "to_float",
    "to_int",
    "to_lower",
    "to_string",
    "to_upper",
    "values",
    "extract",
];

/// Methods of Rhai's that change the value whose they are, and call nobody. `push` is done here.
const RHAIS_CHANGING: [&str; 14] = [
    "append",
    "clear",
    "crop",
    "insert",
    "make_lower",
    "make_upper",
    "pop",
    "remove",
    "replace",
    "reverse",
    "set",
    "shift",
    "trim",
    "truncate",
];

/// Those that are done here.
const OURS_PURE: [&str; 6] = ["all", "filter", "find", "map", "reduce", "some"];

/// One of Rhai's that is called by Rhai.
pub(super) fn rhais_pure(name: &str) -> Option<&'static str> {
    RHAIS_PURE.into_iter().find(|known| *known == name)
}

/// One of Rhai's that changes a value.
pub(super) fn rhais_changing(name: &str) -> Option<&'static str> {
    RHAIS_CHANGING.into_iter().find(|known| *known == name)
}

/// A method that changes the value whose it is.
pub(super) fn changes(name: &str) -> bool {
    name == "push" || rhais_changing(name).is_some()
}

/// A method that does not change the value whose it is.
pub(super) fn is_pure(name: &str) -> bool {
    rhais_pure(name).is_some() || OURS_PURE.contains(&name)
}

impl Lower<'_> {
    pub(super) fn call(&mut self, call: &FnCallExpr) -> Lowered<Code> {
        if call.capture_parent_scope {
            return Err(NotCovered);
        }
        let takes = call.args.len();
        if !call.namespace.is_empty() {
            return self.qualified(call);
        }
        if call.is_operator_call() || call.name == "-" {
            return self.operator(call);
        }
        if call.name == "type_of"
            && let [value] = &*call.args
        {
            return Ok(Code::TypeOf(Box::new(self.value(value)?)));
        }
        let arguments = self.values(call.args.iter())?;
        let named = (self.named.0, call.name.clone(), takes);
        if let Some(at) = self.known.iter().position(|known| *known == named) {
            return Ok(Code::Own(at, arguments));
        }
        if self.unit()?.sources.contains_key(&(named.1, takes)) {
            return Err(NotCovered); // it is left to Rhai
        }
        if let Some(function) = Host::of_all().direct("", &call.name, takes) {
            return Ok(Code::Host(function.clone(), arguments));
        }
        let name = rhais_pure(&call.name).ok_or(NotCovered)?;
        Ok(Code::Rhais(name, arguments))
    }

    /// Of a module that is imported, else of the host.
    fn qualified(&mut self, call: &FnCallExpr) -> Lowered<Code> {
        let [namespace] = &*call.namespace.path else {
            return Err(NotCovered);
        };
        let arguments = self.values(call.args.iter())?;
        let takes = arguments.len();
        let Some(unit) = self.unit()?.imports.get(&namespace.name) else {
            let function = Host::of_all().direct(&namespace.name, &call.name, takes);
            return Ok(Code::Host(function.ok_or(NotCovered)?.clone(), arguments));
        };
        let sources = &self.units.get(*unit).ok_or(NotCovered)?.sources;
        let source = sources.get(&(call.name.clone(), takes)).ok_or(NotCovered)?;
        let named = (*unit, call.name.clone(), takes);
        let at = self.known.iter().position(|known| *known == named);
        match source.is_public {
            true => Ok(Code::Own(at.ok_or(NotCovered)?, arguments)),
            false => Err(NotCovered),
        }
    }

    fn operator(&mut self, call: &FnCallExpr) -> Lowered<Code> {
        match &*call.args {
            [left, right] => {
                let operator = Operator::from_text(&call.name).ok_or(NotCovered)?;
                let (left, right) = (self.value(left)?, self.value(right)?);
                Ok(match operator {
                    Operator::Equal | Operator::NotEqual if right.is_nothing() => {
                        Code::IsNothing(Box::new(left), operator == Operator::Equal)
                    }
                    operator => Code::Operate(operator, Box::new((left, right))),
                })
            }
            [one] if call.name == "!" => Ok(Code::Not(Box::new(self.value(one)?))),
            [one] if call.name == "-" => Ok(Code::Rhais("-", Box::new([self.value(one)?]))),
            _ => Err(NotCovered),
        }
    }
}
