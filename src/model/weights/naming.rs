//! How other people's code names the tensors of networks that are known here.

/// The names of one code, as pieces between dots that are replaced in order.
pub(super) struct Naming {
    /// Whose names these are; empty for those used here.
    whose: &'static str,
    replaced: &'static [[&'static str; 2]],
    /// Layers that the code registers and never reads.
    unread: &'static [&'static str],
}

/// Those used here come first: they are torchvision's, and those of TRADES for wide ResNets.
pub(super) const NAMINGS: [Naming; 5] = [
    Naming { whose: "", replaced: &[], unread: &[] },
    Naming { whose: "the wide ResNet of TRADES", replaced: &[], unread: &["sub_block1."] },
    Naming {
        whose: "kuangliu's pytorch-cifar",
        replaced: &[[".shortcut.", ".downsample."], [".linear.", ".fc."]],
        unread: &[],
    },
    Naming {
        whose: "timm's vision transformer",
        replaced: &[
            [".cls_token.", ".class_token."],
            [".pos_embed.", ".encoder.pos_embedding."],
            [".patch_embed.proj.", ".conv_proj."],
            [".blocks.", ".encoder.layers.encoder_layer_"],
            [".norm1.", ".ln_1."],
            [".norm2.", ".ln_2."],
            [".attn.qkv.weight.", ".self_attention.in_proj_weight."],
            [".attn.qkv.bias.", ".self_attention.in_proj_bias."],
            [".attn.proj.", ".self_attention.out_proj."],
            [".mlp.fc1.", ".mlp.0."],
            [".mlp.fc2.", ".mlp.3."],
            [".norm.", ".encoder.ln."],
            [".head.", ".heads.head."],
        ],
        unread: &[],
    },
    Naming {
        whose: "torchvision's first vision transformer",
        replaced: &[[".mlp.linear_1.", ".mlp.0."], [".mlp.linear_2.", ".mlp.3."]],
        unread: &[],
    },
];

impl Naming {
    /// What a tensor is called here; `None` for one that is never read.
    pub fn here(&self, name: &str) -> Option<String> {
        if self.unread.iter().any(|layer| name.starts_with(layer)) {
            return None;
        }
        let replace = |name: String, [from, to]: &[&str; 2]| name.replace(from, to);
        let renamed = self.replaced.iter().fold(format!(".{name}."), replace);
        Some(renamed[1..renamed.len() - 1].to_owned())
    }

    /// For the plan, where `left_out` tensors were not read.
    pub fn note(&self, left_out: usize) -> Option<String> {
        let whose = self.whose;
        let layers: Vec<String> = self.unread.iter().map(|layer| format!("`{layer}*`")).collect();
        match (self.replaced.is_empty(), left_out) {
            (true, 0) => None,
            (true, _) => Some(format!(
                "{} left out: {left_out} tensors that {whose} registers and never reads",
                layers.join(", ")
            )),
            (false, _) => Some(format!("names of {whose}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NAMINGS;

    #[test]
    fn names_are_replaced_piece_by_piece() {
        let here = |naming: usize, name| NAMINGS[naming].here(name);
        assert_eq!(here(1, "sub_block1.layer.0.bn1.weight"), None);
        assert_eq!(here(2, "layer2.0.shortcut.1.bias").as_deref(), Some("layer2.0.downsample.1.bias"));
        assert_eq!(here(2, "linear.weight").as_deref(), Some("fc.weight"));
        assert_eq!(here(2, "nonlinear.weight").as_deref(), Some("nonlinear.weight"));
        let layer = "encoder.layers.encoder_layer_11";
        for (timm, own) in [
            ("blocks.11.attn.qkv.bias", format!("{layer}.self_attention.in_proj_bias")),
            ("blocks.11.attn.proj.weight", format!("{layer}.self_attention.out_proj.weight")),
            ("blocks.11.norm1.weight", format!("{layer}.ln_1.weight")),
            ("norm.weight", "encoder.ln.weight".into()),
            ("cls_token", "class_token".into()),
        ] {
            assert_eq!(here(3, timm), Some(own));
        }
    }
}
