// Package aihub asks the AI Hub API, or any server that speaks it, such as aihub-serve.
//
//	client := aihub.NewClient("your-api-key-here")
//	response, err := client.CreateChatCompletion(&aihub.ChatCompletionRequest{
//		Model:    "gpt-4",
//		Messages: []aihub.ChatMessage{{Role: "user", Content: "Hello!"}},
//	})
//
// Calls that have no context of their own end by the client's timeouts alone; each has a twin that
// takes one. What fails is a typed error, to be told apart by [errors.As]. A call is asked again
// where that can do no harm and may help; a chat goes under an idempotency key, so it is billed once.
// A stream that ends without its end marker is an error, and so is an answer that is none.
//
// A client may be used by many goroutines at once, and no goroutine outlives the call that began it.
package aihub
