// Terminal-chat talks with a model in the terminal, in a session that the server keeps.
//
//	AIHUB_API_KEY=... go run ./examples/terminal-chat [MODEL]
//
// Ctrl-C stops an answer; an empty line ends the chat.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/ai-hub/go-sdk"
)

func main() {
	model := "gpt-4"
	if len(os.Args) > 1 {
		model = os.Args[1]
	}
	if err := chat(aihub.NewClient(""), model, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func chat(client *aihub.Client, model string, in io.Reader, out io.Writer) error {
	ctx := context.Background()
	session, err := client.Sessions.Create(ctx, &aihub.SessionParams{Title: "Terminal", Model: model})
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for fmt.Fprint(out, "> "); lines.Scan() && lines.Text() != ""; fmt.Fprint(out, "\n> ") {
		request := &aihub.ChatCompletionRequest{
			SessionID: session.ID,
			Messages:  []aihub.ChatMessage{{Role: "user", Content: lines.Text()}},
		}
		if err := answer(ctx, client, request, out); err != nil {
			fmt.Fprintln(out, err)
		}
	}
	fmt.Fprintln(out)
	return lines.Err()
}

// answer writes an answer as it comes; Ctrl-C leaves it.
func answer(
	ctx context.Context, client *aihub.Client, request *aihub.ChatCompletionRequest, out io.Writer,
) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	stream, err := client.CreateChatCompletionStream(ctx, request)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprint(out, chunk.Text())
	}
}
