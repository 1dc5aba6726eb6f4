//! The macros every declaration of the catalogue goes through.

/// Declares the components of one kind: the enum, a struct for each, its `Entry`, and how arguments become the struct.
macro_rules! kind {
    (
        $(#[$meta:meta])*
        $enum:ident is $kind:ident {
            $(
                $variant:ident($component:ident) $name:literal {
                    $($fact:ident: $value:expr,)*
                } with {
                    $($field:ident: $type:ty => $text:literal $(, $trait:ident($($argument:expr),*))*;)*
                } $(+ { $shared:ident: $group:ident })? $(=> $check:path;)?
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(tag = "name", rename_all = "snake_case")]
        pub enum $enum {
            $($variant($component),)*
        }

        $(
            #[doc = concat!("`", $name, "`; its entry in the catalogue says the rest.")]
            #[derive(Clone, Debug, PartialEq, serde::Serialize)]
            pub struct $component {
                $(#[doc = $text] pub $field: $type,)*
                $(
                    /// What it shares with others of its kind.
                    #[serde(flatten)]
                    pub $shared: $group,
                )?
            }

            impl $component {
                /// What the catalogue says about this component.
                pub fn entry() -> &'static $crate::lang::catalog::Entry {
                    use $crate::lang::catalog::{Entry, Facts, Kind};
                    static ENTRY: std::sync::LazyLock<Entry> = std::sync::LazyLock::new(|| Entry {
                        name: $name,
                        kind: Kind::$kind,
                        facts: Facts { $($fact: $value,)* ..Facts::NONE },
                        parameters: [
                            $crate::lang::catalog::declare::parameters! {
                                $($field: $type => $text $(, $trait($($argument),*))*;)*
                            },
                            $($group::parameters(),)?
                        ]
                        .concat(),
                    });
                    &ENTRY
                }

                #[allow(unused_variables, reason = "a component without parameters reads nothing")]
                fn bind<'a>(
                    checker: &mut $crate::lang::check::Checker<'a>,
                    arguments: &$crate::lang::value::Arguments<'a>,
                ) -> Option<Self> {
                    $(let $field = arguments.read::<$type>(checker, stringify!($field));)*
                    $(let $shared = $group::bind(checker, arguments);)?
                    let component = Self { $($field: $field?,)* $($shared: $shared?,)? };
                    $(let component = $check(component, checker, arguments)?;)?
                    Some(component)
                }
            }
        )*

        impl $enum {
            /// The name in a file.
            pub fn name(&self) -> &'static str {
                match *self {
                    $($enum::$variant(_) => $name,)*
                }
            }
        }

        impl $crate::lang::value::Member for $enum {
            const KIND: $crate::lang::catalog::Kind = $crate::lang::catalog::Kind::$kind;

            fn entries() -> Vec<&'static $crate::lang::catalog::Entry> {
                vec![$($component::entry()),*]
            }

            #[allow(unused_variables, reason = "a kind may be empty")]
            fn bind<'a>(
                name: &str,
                checker: &mut $crate::lang::check::Checker<'a>,
                arguments: &$crate::lang::value::Arguments<'a>,
            ) -> Option<Self> {
                match name {
                    $($name => $component::bind(checker, arguments).map($enum::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

/// Declares parameters that several components of a kind take: the struct, their entries, and how they are read.
macro_rules! group {
    (
        $(#[$meta:meta])*
        $group:ident {
            $($field:ident: $type:ty => $text:literal $(, $trait:ident($($argument:expr),*))*;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $group {
            $(#[doc = $text] pub $field: $type,)*
        }

        impl $group {
            pub(super) fn parameters() -> Vec<$crate::lang::catalog::Parameter> {
                let own = $crate::lang::catalog::declare::parameters! {
                    $($field: $type => $text $(, $trait($($argument),*))*;)*
                };
                own.into_iter().map($crate::lang::catalog::Parameter::shared).collect()
            }

            pub(super) fn bind<'a>(
                checker: &mut $crate::lang::check::Checker<'a>,
                arguments: &$crate::lang::value::Arguments<'a>,
            ) -> Option<Self> {
                $(let $field = arguments.read::<$type>(checker, stringify!($field));)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}

/// The entries of written parameters.
macro_rules! parameters {
    ($($field:ident: $type:ty => $text:literal $(, $trait:ident($($argument:expr),*))*;)*) => {
        vec![$(
            $crate::lang::catalog::Parameter::new(
                stringify!($field),
                <$type as $crate::lang::value::Value>::FORM,
                $text,
            ) $(.$trait($($argument),*))*
        ),*]
    };
}

/// Declares a parameter that takes one of a few words.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $enum:ident $noun:literal { $($variant:ident $word:literal $text:literal)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $enum { $(#[doc = $text] $variant,)* }

        impl $crate::lang::value::Value for $enum {
            const FORM: $crate::lang::catalog::Form = $crate::lang::catalog::Form {
                choices: &[$($word),*],
                ..$crate::lang::catalog::Form::of($noun)
            };

            fn read<'a>(
                checker: &mut $crate::lang::check::Checker<'a>,
                expr: &'a $crate::syntax::ast::Expr,
                place: &$crate::lang::catalog::Parameter,
            ) -> Option<Self> {
                match $crate::lang::value::read_choice(checker, expr, place)? {
                    $($word => Some($enum::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {choice, group, kind, parameters};
