//! Every finding there is: stable code, slug, level, title, and the page `flatrun explain CODE` prints.

use serde::{Serialize, Serializer};

use super::Level;

/// What is known about a code without any file.
#[derive(Debug)]
pub struct CodeInfo {
    pub id: &'static str,
    pub slug: &'static str,
    pub level: Level,
    pub title: &'static str,
    /// Markdown: why the rule exists, a wrong example, the right one.
    pub page: &'static str,
}

macro_rules! codes {
    ($($variant:ident $id:literal $slug:literal $level:ident $title:literal;)*) => {
        /// A stable finding code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] $variant),* }

        /// All codes, in order of their ids.
        pub const CODES: &[Code] = &[$(Code::$variant),*];

        impl Code {
            pub fn info(self) -> &'static CodeInfo {
                match self {
                    $(Code::$variant => &CodeInfo {
                        id: $id,
                        slug: $slug,
                        level: Level::$level,
                        title: $title,
                        page: include_str!(concat!("../../docs/diagnostics/", $id, "-", $slug, ".md")),
                    },)*
                }
            }
        }
    };
}

codes! {
    // Syntax and files.
    SyntaxError "F0101" "syntax-error" Error "text that is not Flat";
    UnknownStatement "F0102" "unknown-statement" Error "a line begins with a word that begins no statement";
    MisplacedClause "F0103" "misplaced-clause" Error "a clause stands where its statement cannot take it";
    UnknownClause "F0104" "unknown-clause" Error "a word that is no clause of its statement";
    RepeatedClause "F0105" "repeated-clause" Error "a clause stands twice in its statement";
    SharedLine "F0106" "shared-line" Error "two statements on one line";
    Semicolon "F0107" "semicolon" Error "a statement closed with a semicolon";
    UnbalancedBracket "F0108" "unbalanced-bracket" Error "a bracket without its partner";
    NestingTooDeep "F0109" "nesting-too-deep" Error "brackets nested too deep";
    UnclosedText "F0110" "unclosed-text" Error "a text without its closing quote";
    WrongQuotes "F0111" "wrong-quotes" Error "a text in other than double quotes";
    UnknownEscape "F0112" "unknown-escape" Error "a backslash before a character it has no meaning for";
    UnexpectedCharacter "F0113" "unexpected-character" Error "a character that has no place in Flat";
    MissingValue "F0114" "missing-value" Error "nothing stands where a value must";
    MissingEquals "F0115" "missing-equals" Error "a name and its value without `=`";
    StrayEquals "F0116" "stray-equals" Error "`=` between a keyword and its value";
    MissingComma "F0117" "missing-comma" Error "two values without a comma between them";
    StrayComma "F0118" "stray-comma" Error "a comma with nothing after it";
    EmptyArguments "F0119" "empty-arguments" Error "parentheses with nothing in them";
    MalformedNumber "F0120" "malformed-number" Error "a number written in another notation";
    NumberOutOfReach "F0121" "number-out-of-reach" Error "a number too large or too small to hold";
    DivisionByZero "F0122" "division-by-zero" Error "a ratio whose denominator is zero";
    MisplacedUnit "F0123" "misplaced-unit" Error "a unit where none can stand";
    WrongSign "F0124" "wrong-sign" Error "another sign for `->`, `..` or `_`";
    CapitalisedWord "F0125" "capitalised-word" Error "`true`, `false` or `none` in capitals";
    ReservedName "F0126" "reserved-name" Error "a name that the language keeps for itself";
    NotUtf8 "F0127" "not-utf8" Error "a file that is not UTF-8 text";
    EmptyFile "F0128" "empty-file" Error "a file without a statement";
    SourceTooLarge "F0129" "source-too-large" Error "a file that is larger than any of Flat";
    // Names and arguments.
    UnknownComponent "F0201" "unknown-component" Error "a name that the catalogue does not have in this place";
    UnknownParameter "F0202" "unknown-parameter" Error "a parameter that the component does not have";
    UnknownValue "F0203" "unknown-value" Error "a word that is not one of those a setting takes";
    UnknownName "F0204" "unknown-name" Error "a word that stands for nothing";
    WrongKind "F0205" "wrong-kind" Error "a component of one kind where another kind stands";
    MissingParameter "F0206" "missing-parameter" Error "a value that has no default is not given";
    DuplicateParameter "F0207" "duplicate-parameter" Error "a parameter given twice";
    ExtraArgument "F0208" "extra-argument" Error "an argument that belongs to no parameter";
    ExclusiveParameters "F0209" "exclusive-parameters" Error "two parameters that contradict each other";
    DuplicateLet "F0210" "duplicate-let" Error "a name bound twice";
    CircularLet "F0211" "circular-let" Error "a name defined by itself";
    ShadowingLet "F0212" "shadowing-let" Error "a `let` that takes the name of a component";
    // Types, units, schedules.
    WrongType "F0301" "wrong-type" Error "a value of another type";
    OutOfRange "F0302" "out-of-range" Error "a number outside the range of its parameter";
    MissingUnit "F0303" "missing-unit" Error "a number that does not say what it counts";
    UnfittingUnit "F0304" "unfitting-unit" Error "a unit on something that has none";
    UnknownUnit "F0305" "unknown-unit" Error "a unit that is not one of time";
    ScheduleNotAllowed "F0306" "schedule-not-allowed" Error "a schedule where the value cannot change";
    OutsidePhase "F0307" "outside-phase" Error "a window or a time that leaves its phase";
    ScheduleLeavesRange "F0308" "schedule-leaves-range" Error "a schedule that takes a value its parameter cannot have";
    FallingPacing "F0309" "falling-pacing" Error "a pacing that falls";
    AnnealNotZero "F0310" "anneal-not-zero" Error "an anneal that does not end at zero";
    MalformedSchedule "F0311" "malformed-schedule" Error "a schedule that is not written as one";
    UnequalLengths "F0312" "unequal-lengths" Error "lists that must have one number per channel";
    // Data and the world.
    MissingFile "F0401" "missing-file" Error "a file or a folder that is not there";
    UnusableData "F0402" "unusable-data" Error "data that cannot be read as what it should be";
    ValidationTakesAll "F0403" "validation-takes-all" Error "a validation split that leaves nothing to train on, or nothing of a class";
    ImageTooSmall "F0404" "image-too-small" Error "images too small for the network";
    TooFewClasses "F0405" "too-few-classes" Error "a loss that the data set has too few classes for";
    UnfittingImages "F0406" "unfitting-images" Error "images that an evaluator cannot work with";
    MixedSizes "F0407" "mixed-sizes" Error "images of several sizes that nothing brings to one";
    SizesDiffer "F0408" "sizes-differ" Error "training and test images of different size";
    RandomView "F0409" "random-view" Error "a random change of the images that are measured on";
    NoSoftLabels "F0410" "no-soft-labels" Error "soft labels where a loss or an attack needs single ones";
    EmptyClass "F0411" "empty-class" Error "a class without images";
    AmbiguousClasses "F0412" "ambiguous-classes" Error "two classes whose names read the same, or differ only in case";
    ClassesDiffer "F0413" "classes-differ" Error "parts of a data set with different classes";
    LinkLeavesRoot "F0414" "link-leaves-root" Error "a symbolic link out of the data set";
    StrayFile "F0415" "stray-file" Error "a file among the images that is no image";
    ImageTooLarge "F0416" "image-too-large" Error "an image of more pixels than are decoded";
    UnknownDomain "F0417" "unknown-domain" Error "a domain that the data set does not have";
    UnevenDomains "F0418" "uneven-domains" Error "a batch that training domains cannot share evenly";
    UnfittingSizes "F0419" "unfitting-sizes" Error "sizes that a network cannot have";
    UnknownLayer "F0420" "unknown-layer" Error "a layer that the network does not have";
    NothingTrains "F0421" "nothing-trains" Error "a network whose every layer is frozen";
    UnusableWeights "F0422" "unusable-weights" Error "a file that weights cannot be read from";
    UnfittingWeights "F0423" "unfitting-weights" Error "weights of another network";
    NetworkTooLarge "F0424" "network-too-large" Error "a network of more parameters than a run can hold";
    EmptyValidation "F0427" "empty-validation" Error "a validation split without a sample";
    SingleClass "F0428" "single-class" Error "a data set of a single class";
    UnclearAxes "F0429" "unclear-axes" Error "images whose channels may stand first";
    ChangedData "F0430" "changed-data" Error "data that changed while a run used them";
    UnsoundWeights "F0432" "unsound-weights" Error "weights that are not finite numbers";
    AmbiguousWeights "F0433" "ambiguous-weights" Error "a file with several weights that fit";
    OutputTaken "F0434" "output-taken" Error "an output that would replace something else";
    // The file as a whole.
    DuplicateStatement "F0501" "duplicate-statement" Error "a statement that stands twice";
    SecondRecipe "F0502" "second-recipe" Error "a second recipe";
    TwoOptimizers "F0503" "two-optimizers" Error "two base optimizers in one phase";
    UnknownEdition "F0504" "unknown-edition" Error "an edition that does not exist";
    EmptyEach "F0505" "empty-each" Error "a choice without alternatives";
    MisplacedEach "F0506" "misplaced-each" Error "a choice in a statement that holds for all variants";
    TooManyVariants "F0507" "too-many-variants" Error "more variants or seeds than anybody would run";
    NoSeeds "F0508" "no-seeds" Error "no seed to run under";
    DuplicateSeed "F0509" "duplicate-seed" Error "a seed given twice";
    NoSingleNumber "F0510" "no-single-number" Error "the best of something that is not one number";
    UnknownSetting "F0511" "unknown-setting" Error "a flag for a setting that the file does not have";
    InvalidSetting "F0512" "invalid-setting" Error "a flag whose value is not Flat";
    NoMomentum "F0514" "no-momentum" Error "a minimizer along the momentum over an optimizer that has none";
    NoAdversary "F0515" "no-adversary" Error "a measurement of an adversary that is not there";
    OtherOptimizer "F0520" "other-optimizer" Error "a base optimizer after `under` that is not the one of `optimize`";
    MissingDevice "F0521" "missing-device" Error "a device that this program cannot open";
    // Lints.
    EditionMissing "L0001" "edition-missing" Warning "a file that does not pin its edition";
    UnusedLet "L0002" "unused-let" Warning "a name that nothing uses";
    SingleChoice "L0003" "single-choice" Warning "a choice of one";
    DuplicateChoice "L0004" "duplicate-choice" Warning "an alternative given twice";
    UnusedValue "L0005" "unused-value" Warning "a value that has no effect";
    SelectsOnTest "L0006" "selects-on-test" Warning "the best weights are chosen on the test data";
    BatchExceedsData "L0007" "batch-exceeds-data" Warning "a batch larger than the training split";
    PercentMeant "L0008" "percent-meant" Warning "a number of samples where a percentage was likely meant";
    PacingEmptiesBatch "L0009" "pacing-empties-batch" Warning "a pacing that keeps less than one sample of a batch";
    ClipNeverBinds "L0010" "clip-never-binds" Warning "a clip that can never bind";
    ClipAlwaysBinds "L0011" "clip-always-binds" Warning "a clip that always binds";
    SuspiciousMagnitude "L0012" "suspicious-magnitude" Warning "a number of an unusual size";
    LargePixelDistance "L0013" "large-pixel-distance" Warning "a distance of a quarter of the pixel range or more";
    FollowsConstant "L0014" "follows-constant" Warning "a value that follows a constant learning rate";
    SingleEpochCurriculum "L0015" "single-epoch-curriculum" Warning "a curriculum over epochs in a phase of one";
    BudgetOfSum "L0016" "budget-of-sum" Warning "a loss budget under a summed loss";
    RepeatedEvaluator "L0017" "repeated-evaluator" Warning "a measurement that stands twice";
    CentreMissed "L0018" "centre-missed" Warning "a surface without a point at the weights";
    SlowPrecision "L0019" "slow-precision" Warning "a number format that only costs time on this device";
    TestsOnTraining "L0020" "tests-on-training" Warning "test images that are training images too";
    UntrainedClass "L0021" "untrained-class" Warning "a class without training images";
    NormalizedParts "L0023" "normalized-parts" Warning "a batch in parts under batch normalisation";
    EqualVariants "L0024" "equal-variants" Warning "two variants that are one run";
    AttackOvershoots "L0101" "attack-overshoots" Warning "an attack step longer than the ball is wide";
    AttackFallsShort "L0102" "attack-falls-short" Warning "an attack that cannot reach the boundary of its ball";
    WeakEvaluation "L0103" "weak-evaluation" Warning "an evaluation attack weaker than the training attack";
    UnfinishedCurriculum "L0104" "unfinished-curriculum" Warning "a curriculum over attacks that never reaches the full attack";
    NormalizedRadius "L0105" "normalized-radius" Warning "an attack radius in units of normalised inputs";
    NoTargetedDlr "L0106" "no-targeted-dlr" Warning "AutoAttack on fewer classes than its targeted loss needs";
}

impl Code {
    /// Finds a code by its id or slug, ignoring case.
    pub fn parse(text: &str) -> Option<Code> {
        let matches = |code: &&Code| {
            let info = code.info();
            info.id.eq_ignore_ascii_case(text) || info.slug.eq_ignore_ascii_case(text)
        };
        CODES.iter().find(matches).copied()
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.info().id)
    }
}
