package aihub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ai-hub/go-sdk"
)

// server answers one chat, whole or streamed.
func server(body, kind string, status int) (*aihub.Client, func()) {
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	client := aihub.NewClient("k", aihub.WithBaseURL(answers.URL), aihub.WithMaxRetries(0))
	return client, answers.Close
}

func ExampleClient_CreateChatCompletion() {
	client, stop := server(
		`{"choices": [{"message": {"role": "assistant", "content": "Hello there."}}]}`,
		"application/json", 200,
	)
	defer stop()

	response, err := client.CreateChatCompletion(&aihub.ChatCompletionRequest{
		Model:    "gpt-4",
		Messages: []aihub.ChatMessage{{Role: "user", Content: "Hello!"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Choices[0].Message.Content)
	// Output: Hello there.
}

func ExampleClient_CreateChatCompletionStream() {
	client, stop := server(
		"data: {\"choices\": [{\"delta\": {\"content\": \"Once\"}}]}\n\n"+
			"data: {\"choices\": [{\"delta\": {\"content\": \" upon\"}}]}\n\ndata: [DONE]\n\n",
		"text/event-stream", 200,
	)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stream, err := client.CreateChatCompletionStream(ctx, &aihub.ChatCompletionRequest{
		Model:    "gpt-4",
		Messages: []aihub.ChatMessage{{Role: "user", Content: "Tell me a story"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text())
	}
	// Output: Once upon
}

func ExampleRateLimitError() {
	client, stop := server(
		`{"error": {"message": "Rate limit exceeded.", "retry_after": 7}}`, "application/json", 429,
	)
	defer stop()

	_, err := client.CreateChatCompletion(&aihub.ChatCompletionRequest{Model: "gpt-4"})
	var limited *aihub.RateLimitError
	if errors.As(err, &limited) {
		fmt.Println("come again in", limited.RetryAfter)
	}
	// Output: come again in 7s
}
