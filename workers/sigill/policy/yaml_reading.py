"""
How rulebooks and stories are read as YAML: by libyaml, nine times as fast as PyYAML's own parser and deep nesting refused
by name, wherever PyYAML was built with it, as its wheels are.
"""

try:
    from yaml import CSafeLoader as YamlLoader
except ImportError:  # a PyYAML built from source without libyaml
    from yaml import SafeLoader as YamlLoader  # type: ignore[assignment]

__all__ = ["YamlLoader"]
