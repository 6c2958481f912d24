// Drives the HTTP API with rabbit-hole, the Go client of RabbitMQ's management API. Prints "ok …" per check and exits
// with 1 at the first failure. MANAGEMENT_URL and AMQP_URL say where the broker is.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	amqp "github.com/rabbitmq/amqp091-go"
)

// The library escapes a space in some paths as in a query, which RabbitMQ does not undo, either.
const vhost = "go/hole-ü"

var client *rabbithole.Client

func main() {
	var err error
	client, err = rabbithole.NewClient(os.Getenv("MANAGEMENT_URL"), "guest", "guest")
	no(err)
	// What an earlier run left when it failed.
	_, _ = client.DeleteVhost(vhost)
	virtualHosts()
	users()
	topology()
	policies()
	parameters()
	messages()
	connections()
	definitions()
	node()
	refusals()
	done(client.DeleteVhost(vhost))
	fmt.Println("ok everything is gone again")
}

func virtualHosts() {
	done(client.PutVhost(vhost, rabbithole.VhostSettings{Description: "of Go", Tags: []string{"a", "b"}, Tracing: false}))
	found, err := client.GetVhost(vhost)
	no(err)
	want(found.Name == vhost && found.Description == "of Go" && len(found.Tags) == 2, "the virtual host as it was made")
	done(client.PutVhostLimits(vhost, rabbithole.VhostLimitsValues{"max-queues": 50, "max-connections": 20}))
	limits, err := client.GetVhostLimits(vhost)
	no(err)
	want(len(limits) == 1 && limits[0].Value["max-queues"] == 50, "its limits")
	done(client.DeleteVhostLimits(vhost, rabbithole.VhostLimits{"max-connections"}))
	all, err := client.ListVhosts()
	no(err)
	want(len(all) >= 2, "it is listed")
	fmt.Println("ok virtual hosts and limits")
}

func users() {
	done(client.PutUser("go user", rabbithole.UserSettings{Password: "s3cret", Tags: rabbithole.UserTags{"management", "policymaker"}}))
	done(client.UpdatePermissionsIn(vhost, "go user", rabbithole.Permissions{Configure: "^go", Write: ".*", Read: ".*"}))
	done(client.UpdatePermissionsIn(vhost, "guest", rabbithole.Permissions{Configure: ".*", Write: ".*", Read: ".*"}))
	done(client.UpdateTopicPermissionsIn(vhost, "go user", rabbithole.TopicPermissions{Exchange: "amq.topic", Write: "^a", Read: "^b"}))
	done(client.PutUserLimits("go user", rabbithole.UserLimitsValues{"max-connections": 5}))
	user, err := client.GetUser("go user")
	no(err)
	want(len(user.Tags) == 2 && user.PasswordHash != "" && user.HashingAlgorithm == rabbithole.HashingAlgorithmSHA256, "the user as it was made")
	permission, err := client.GetPermissionsIn(vhost, "go user")
	no(err)
	want(permission.Configure == "^go", "its permissions")
	topics, err := client.GetTopicPermissionsIn(vhost, "go user")
	no(err)
	want(len(topics) == 1 && topics[0].Exchange == "amq.topic", "its topic permissions")
	limits, err := client.GetUserLimits("go user")
	no(err)
	want(len(limits) == 1 && limits[0].Value["max-connections"] == 5, "its limits")
	own, err := rabbithole.NewClient(os.Getenv("MANAGEMENT_URL"), "go user", "s3cret")
	no(err)
	whoami, err := own.Whoami()
	no(err)
	want(whoami.Name == "go user", "it can log in")
	_, err = own.ListUsers()
	want(statusOf(err) == 401, "it may not see users")
	done(client.PutUserWithoutPassword("go bare", rabbithole.UserSettings{Tags: rabbithole.UserTags{}}))
	done(client.DeleteUser("go bare"))
	done(client.DeleteUserLimits("go user", rabbithole.UserLimits{"max-connections"}))
	done(client.DeleteTopicPermissionsIn(vhost, "go user", "amq.topic"))
	done(client.ClearPermissionsIn(vhost, "go user"))
	done(client.DeleteUser("go user"))
	_, err = client.GetUser("go user")
	want(statusOf(err) == 404, "it is gone")
	fmt.Println("ok users, permissions, limits")
}

func topology() {
	done(client.DeclareExchange(vhost, "x/é", rabbithole.ExchangeSettings{Type: "topic", Durable: true, Arguments: map[string]interface{}{"alternate-exchange": "amq.fanout"}}))
	done(client.DeclareExchange(vhost, "y", rabbithole.ExchangeSettings{Type: "fanout", Durable: true}))
	done(client.DeclareQueue(vhost, "q%1", rabbithole.QueueSettings{Durable: true, Arguments: map[string]interface{}{"x-max-length": 100}}))
	done(client.DeclareQueue(vhost, "qq", rabbithole.QueueSettings{Type: "quorum", Durable: true}))
	done(client.DeclareBinding(vhost, rabbithole.BindingInfo{Source: "x/é", Destination: "q%1", DestinationType: "queue", RoutingKey: "a.#", Arguments: map[string]interface{}{"n": 1}}))
	done(client.DeclareBinding(vhost, rabbithole.BindingInfo{Source: "x/é", Destination: "y", DestinationType: "exchange", RoutingKey: "b"}))
	exchange, err := client.GetExchange(vhost, "x/é")
	no(err)
	want(exchange.Type == "topic" && exchange.Arguments["alternate-exchange"] == "amq.fanout", "the exchange as it was made")
	queue, err := client.GetQueue(vhost, "q%1")
	no(err)
	want(queue.Name == "q%1" && queue.Durable && queue.Node != "", "the queue as it was made")
	bindings, err := client.ListQueueBindingsBetween(vhost, "x/é", "q%1")
	no(err)
	want(len(bindings) == 1 && bindings[0].RoutingKey == "a.#" && bindings[0].PropertiesKey != "", "its binding")
	from, err := client.ListExchangeBindingsWithSource(vhost, "x/é")
	no(err)
	to, err := client.ListExchangeBindingsWithDestination(vhost, "y")
	no(err)
	want(len(from) == 2 && len(to) == 1, "bindings by source and destination")
	page, err := client.PagedListQueuesWithParametersIn(vhost, url.Values{"page": {"1"}, "page_size": {"1"}, "name": {"^q"}, "use_regex": {"true"}})
	no(err)
	want(page.FilteredCount == 2 && len(page.Items) == 1 && page.PageCount == 2, "pages of queues")
	done(client.DeleteBinding(vhost, bindings[0]))
	left, err := client.ListQueueBindings(vhost, "q%1")
	no(err)
	want(len(left) == 1 && left[0].Source == "", "only the implicit binding is left")
	fmt.Println("ok exchanges, queues, bindings")
}

func policies() {
	policy := rabbithole.Policy{Pattern: "^q", ApplyTo: "queues", Priority: 2, Definition: rabbithole.PolicyDefinition{"message-ttl": 60000}}
	done(client.PutPolicy(vhost, "p 1", policy))
	found, err := client.GetPolicy(vhost, "p 1")
	no(err)
	want(found.Priority == 2 && found.Definition["message-ttl"].(float64) == 60000, "the policy as it was made")
	queue, err := client.GetQueue(vhost, "qq")
	no(err)
	want(queue.Policy == "p 1", "it is in force")
	done(client.PutOperatorPolicy(vhost, "o", rabbithole.OperatorPolicy{Pattern: "^q", ApplyTo: "queues", Definition: rabbithole.PolicyDefinition{"max-length": 10}}))
	operator, err := client.ListOperatorPoliciesIn(vhost)
	no(err)
	want(len(operator) == 1, "the operator policy is listed")
	done(client.DeleteOperatorPolicy(vhost, "o"))
	done(client.DeletePolicy(vhost, "p 1"))
	fmt.Println("ok policies and operator policies")
}

func parameters() {
	done(client.PutGlobalParameter("go", map[string]interface{}{"a": []int{1, 2}}))
	found, err := client.GetGlobalParameter("go")
	no(err)
	want(found.Name == "go", "the global parameter as it was made")
	done(client.DeleteGlobalParameter("go"))
	_, err = client.ListRuntimeParameters()
	no(err)
	fmt.Println("ok parameters")
}

func messages() {
	connection, channel := open()
	defer connection.Close()
	for i := 0; i < 5; i++ {
		no(channel.Publish("", "q%1", false, false, amqp.Publishing{Body: []byte("go")}))
	}
	_, err := channel.QueueDeclarePassive("q%1", true, false, false, false, amqp.Table{"x-max-length": 100})
	no(err)
	queue, err := client.GetQueueWithParameters(vhost, "q%1", url.Values{"lengths_age": {"60"}, "lengths_incr": {"5"}})
	no(err)
	want(queue.Messages == 5 && queue.MessageStats.Publish == 5, "depth and counters")
	want(len(queue.MessagesDetails.Samples) > 1, "samples of the depth")
	done(client.PurgeQueue(vhost, "q%1"))
	queue, err = client.GetQueue(vhost, "q%1")
	no(err)
	want(queue.Messages == 0, "nothing is left of it")
	fmt.Println("ok depths, samples, purge")
}

func connections() {
	connection, channel := open()
	no(channel.Qos(7, 0, false))
	_, err := channel.Consume("q%1", "go consumer", false, false, false, false, nil)
	no(err)
	closed := connection.NotifyClose(make(chan *amqp.Error, 1))
	of, err := client.ListVhostConnections(vhost)
	no(err)
	want(len(of) == 1 && of[0].User == "guest" && of[0].ClientProperties["connection_name"] == "of Go", "the connection is listed")
	one, err := client.GetConnection(of[0].Name)
	no(err)
	want(one.Protocol == "AMQP 0-9-1" && one.Channels == 1, "one connection")
	channels, err := client.ListChannels()
	no(err)
	want(len(channels) == 1, "its channel is listed")
	detail, err := client.GetChannel(channels[0].Name)
	no(err)
	want(detail.ConsumerCount == 1 && detail.ConnectionDetails.Name == one.Name, "one channel")
	consumers, err := client.ListConsumersIn(vhost)
	no(err)
	want(len(consumers) == 1 && consumers[0].ConsumerTag == "go consumer" && consumers[0].PrefetchCount == 7, "its consumer is listed")
	done(client.CloseConnection(one.Name))
	select {
	case reason := <-closed:
		want(reason != nil && reason.Code == 320, "the client hears of its closing")
	case <-time.After(10 * time.Second):
		want(false, "the client hears of its closing in time")
	}
	fmt.Println("ok connections, channels, consumers")
}

func definitions() {
	all, err := client.ListDefinitions()
	no(err)
	want(all.Vhosts != nil && all.Queues != nil && all.Users != nil, "definitions are exported")
	of, err := client.ListVhostDefinitions(vhost)
	no(err)
	want(len(*of.Queues) == 2, "those of a virtual host, too")
	done(client.DeleteQueue(vhost, "qq"))
	// The library reads no names of users in permissions, so what it read as a whole cannot be sent as a whole.
	done(client.UploadDefinitions(&rabbithole.ExportedDefinitions{Queues: all.Queues, Exchanges: all.Exchanges, Bindings: all.Bindings}))
	_, err = client.GetQueue(vhost, "qq")
	no(err)
	fmt.Println("ok definitions")
}

func node() {
	overview, err := client.Overview()
	no(err)
	want(overview.RabbitMQVersion != "" && overview.Node != "" && len(overview.Listeners) > 2, "the overview")
	nodes, err := client.ListNodes()
	no(err)
	one, err := client.GetNode(nodes[0].Name)
	no(err)
	want(one.IsRunning && one.MemLimit > 0 && len(one.ExchangeTypes) > 3, "the node")
	done(client.SetClusterName(rabbithole.ClusterName{Name: "go@cluster"}))
	name, err := client.GetClusterName()
	no(err)
	want(name.Name == "go@cluster", "the name of the cluster")
	done(client.DeleteGlobalParameter("cluster_name"))
	flags, err := client.ListFeatureFlags()
	no(err)
	want(len(flags) > 5 && flags[0].State == rabbithole.StateEnabled, "feature flags")
	done(client.EnableFeatureFlag(flags[0].Name))
	ports, err := client.ProtocolPorts()
	no(err)
	alarms, err := client.HealthCheckAlarms()
	no(err)
	local, err := client.HealthCheckLocalAlarms()
	no(err)
	critical, err := client.HealthCheckNodeIsQuorumCritical()
	no(err)
	hosts, err := client.HealthCheckVirtualHosts()
	no(err)
	listener, err := client.HealthCheckPortListener(uint(ports["amqp"]))
	no(err)
	protocol, err := client.HealthCheckProtocolListener("amqp")
	no(err)
	want(alarms.Ok() && local.Ok() && critical.Ok() && hosts.Ok() && listener.Ok() && protocol.Ok(), "health checks")
	missing, err := client.HealthCheckPortListener(1)
	no(err)
	want(!missing.Ok() && missing.Reason != "", "a health check that fails")
	fmt.Println("ok overview, node, health checks")
}

func refusals() {
	_, err := client.GetQueue(vhost, "no such queue")
	want(statusOf(err) == 404, "an unknown queue")
	reply, err := client.DeclareQueue(vhost, "q%1", rabbithole.QueueSettings{Durable: false})
	want(err != nil || reply.StatusCode == 400, "another declaration of the same queue")
	wrong, err := rabbithole.NewClient(os.Getenv("MANAGEMENT_URL"), "guest", "wrong")
	no(err)
	_, err = wrong.Overview()
	want(statusOf(err) == 401, "a wrong password")
	fmt.Println("ok refusals")
}

func open() (*amqp.Connection, *amqp.Channel) {
	base, err := url.Parse(os.Getenv("AMQP_URL"))
	no(err)
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName("of Go")
	connection, err := amqp.DialConfig("amqp://"+base.Host, amqp.Config{
		Vhost:      vhost,
		SASL:       []amqp.Authentication{&amqp.PlainAuth{Username: "guest", Password: "guest"}},
		Properties: properties,
	})
	no(err)
	channel, err := connection.Channel()
	no(err)
	return connection, channel
}

func statusOf(err error) int {
	var refused rabbithole.ErrorResponse
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	// What older parts of the library answer is the status line alone.
	if err != nil && strings.Contains(err.Error(), "401") {
		return 401
	}
	return 0
}

func done(reply *http.Response, err error) {
	no(err)
	if reply.StatusCode >= 300 {
		no(fmt.Errorf("%s %s: %s", reply.Request.Method, reply.Request.URL, reply.Status))
	}
	reply.Body.Close()
}

func no(err error) {
	if err != nil {
		panic(err)
	}
}

func want(truth bool, what string) {
	if !truth {
		panic(what)
	}
}
