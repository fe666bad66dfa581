// What cloudevents/sdk-go writes for Kafka. Arguments: order.jose id source type subject time; JSON on standard output.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
)

type written struct {
	Mode    string      `json:"mode"`
	Key     string      `json:"key"`
	Headers [][2]string `json:"headers"`
	Value   string      `json:"value"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	check(err)
	at, err := time.Parse(time.RFC3339, os.Args[6])
	check(err)
	order := event.New()
	order.SetID(os.Args[2])
	order.SetSource(os.Args[3])
	order.SetType(os.Args[4])
	order.SetSubject(os.Args[5])
	order.SetTime(at)
	order.SetExtension("partitionkey", os.Args[5])
	check(order.SetData("application/jose", bytes.TrimSpace(data)))

	shown := []written{}
	for _, mode := range []string{"binary", "structured"} {
		ctx := binding.WithForceBinary(context.Background())
		if mode == "structured" {
			ctx = binding.WithForceStructured(context.Background())
		}
		message := sarama.ProducerMessage{}
		check(kafka_sarama.WriteProducerMessage(ctx, binding.ToMessage(&order), &message))
		value, err := message.Value.Encode()
		check(err)
		key, err := message.Key.Encode()
		check(err)
		one := written{Mode: mode, Key: string(key), Value: base64.StdEncoding.EncodeToString(value)}
		for _, header := range message.Headers {
			one.Headers = append(one.Headers, [2]string{string(header.Key), base64.StdEncoding.EncodeToString(header.Value)})
		}
		shown = append(shown, one)
	}
	check(json.NewEncoder(os.Stdout).Encode(shown))
}
