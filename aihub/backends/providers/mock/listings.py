"""Listings for prompts that ask for code: short, whole, and named after the topic."""

LISTINGS = {
    "python": """\
def {name}(values):
    # {topic}
    result = []
    for value in values:
        if value is not None:
            result.append(value)
    return result""",
    "javascript": """\
// {topic}
function {name}(values) {{
  return values.filter((value) => value != null);
}}""",
    "go": """\
// {topic}
func {name}(values []string) []string {{
    var result []string
    for _, value := range values {{
        if value != "" {{
            result = append(result, value)
        }}
    }}
    return result
}}""",
    "rust": """\
// {topic}
fn {name}(values: &[Option<i64>]) -> Vec<i64> {{
    values.iter().flatten().copied().collect()
}}""",
    "sql": """\
-- {topic}
SELECT id, name, count(*) AS total
FROM {name}
GROUP BY id, name
ORDER BY total DESC;""",
    "bash": """\
# {topic}
{name}() {{
  for value in "$@"; do
    [ -n "$value" ] && printf '%s\\n' "$value"
  done
}}""",
}
# Words by which a prompt says what it wants a listing in.
TONGUES = {name: name for name in LISTINGS} | {
    "js": "javascript",
    "typescript": "javascript",
    "node": "javascript",
    "golang": "go",
    "shell": "bash",
    "query": "sql",
}
