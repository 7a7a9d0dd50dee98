//! Our own small proxies, `tidegate-floor` and the one in `bench/rivals/pingora/`: no configuration, three arguments.

use super::Setting;

pub(super) fn arguments(setting: &Setting) -> Vec<String> {
    vec![
        "--listen".to_owned(),
        setting.listen.to_string(),
        "--origin".to_owned(),
        setting.origin.to_string(),
        "--cpu".to_owned(),
        setting.cpu.to_string(),
    ]
}
