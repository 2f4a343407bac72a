// A request as code that works when it is pasted: the key is read from AIHUB_API_KEY.

const quoteShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl(url, body) {
  return `curl ${body.stream ? "-N " : ""}${quoteShell(`${url}/chat/completions`)} \\
  -H "Authorization: Bearer $AIHUB_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d ${quoteShell(JSON.stringify(body, null, 2))}
`;
}

// A value as Python writes it; JSON's texts are Python's too.
function python(value, indent) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const parts = Array.isArray(value) ? value.map((one) => python(one, deeper)) : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return parts.length ? `${open}\n${parts.map((one) => `${deeper}${one},\n`).join("")}${indent}${close}` : open + close;
}

function pythonProgram(url, body) {
  const { stream, stream_options: _, ...rest } = body;
  const call = Object.entries(rest).map(([name, value]) => `    ${name}=${python(value, "    ")},\n`).join("");
  const head = `from ai_hub import AIHubClient

client = AIHubClient(base_url=${JSON.stringify(url)})  # the key is in AIHUB_API_KEY

`;
  if (!stream) {
    return `${head}response = client.chat.create(
${call})
message = response.choices[0].message
print(message.content or message.tool_calls)
`;
  }
  return `${head}with client.chat.stream(
${call}) as stream:
    for text in stream.texts():
        print(text, end="", flush=True)
print()
`;
}

function javascript(url, body) {
  const head = `async function main() {
  const response = await fetch(${JSON.stringify(`${url}/chat/completions`)}, {
    method: "POST",
    headers: {
      "Authorization": \`Bearer \${process.env.AIHUB_API_KEY}\`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll("\n", "\n    ")}),
  });
  if (!response.ok) throw new Error(await response.text());
`;
  if (!body.stream) {
    return `${head}  const completion = await response.json();
  console.log(completion.choices[0].message);
}

main();
`;
  }
  return `${head}  let rest = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const chunk = JSON.parse(line.slice(6));
      if (chunk.error) throw new Error(chunk.error.message);
      process.stdout.write(chunk.choices[0]?.delta.content ?? "");
    }
  }
  console.log();
}

main();
`;
}

function go(url, body) {
  const streamed = `	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		fmt.Println(lines.Text())
	}
`;
  const whole = `	answer, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer))
`;
  return `package main

import (
	${body.stream ? '"bufio"\n	' : ""}"fmt"
	${body.stream ? "" : '"io"\n	'}"log"
	"net/http"
	"os"
	"strings"
)

const body = ${JSON.stringify(JSON.stringify(body))}

func main() {
	request, err := http.NewRequest("POST", ${JSON.stringify(`${url}/chat/completions`)}, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("AIHUB_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
${body.stream ? streamed : whole}}
`;
}

export const LANGUAGES = { curl, Python: pythonProgram, JavaScript: javascript, Go: go };
