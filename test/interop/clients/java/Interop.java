import com.rabbitmq.client.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

/** Drives the broker named by AMQP_URL with the official Java client; prints "ok NAME" per check, exits 1 at the first failure. */
public class Interop {
  static void check(boolean truth, String what) {
    if (!truth) throw new AssertionError(what);
    System.out.println("ok " + what);
  }

  public static void main(String[] args) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    try (Connection connection = factory.newConnection("java-interop")) {
      publishConfirmConsume(connection);
      returnsAndHeaders(connection);
      getAndReject(connection);
      channelErrors(connection);
      transactions(connection);
      rpc(connection);
      exchangeToExchange(connection);
      quorum(connection);
    }
    recovery(factory);
  }

  static void publishConfirmConsume(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    channel.confirmSelect();
    String queue = channel.queueDeclare("java-work", true, false, false, null).getQueue();
    for (int i = 0; i < 5000; i++)
      channel.basicPublish("", queue, MessageProperties.PERSISTENT_TEXT_PLAIN, ("m" + i).getBytes());
    channel.waitForConfirmsOrDie(20_000);
    check(channel.messageCount(queue) == 5000, "5000 persistent messages confirmed and counted");
    CountDownLatch all = new CountDownLatch(5000);
    AtomicInteger next = new AtomicInteger();
    AtomicBoolean ordered = new AtomicBoolean(true);
    channel.basicQos(100);
    channel.basicConsume(queue, false, (tag, delivery) -> {
      if (!new String(delivery.getBody()).equals("m" + next.getAndIncrement())) ordered.set(false);
      channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
      all.countDown();
    }, tag -> {});
    check(all.await(20, TimeUnit.SECONDS) && ordered.get(), "all consumed in order under prefetch 100");
    channel.queueDelete(queue);
    channel.close();
  }

  static void returnsAndHeaders(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    BlockingQueue<Return> returned = new LinkedBlockingQueue<>();
    channel.addReturnListener(returned::add);
    channel.basicPublish("", "java-nowhere", true, null, "lost".getBytes());
    Return back = returned.poll(5, TimeUnit.SECONDS);
    check(back != null && back.getReplyCode() == 312 && back.getReplyText().equals("NO_ROUTE"), "an unroutable mandatory message returns");
    String queue = channel.queueDeclare().getQueue();
    channel.exchangeDeclare("java-headers", BuiltinExchangeType.HEADERS, false, true, null);
    channel.queueBind(queue, "java-headers", "", Map.of("x-match", "all", "kind", "report", "size", 3));
    Map<String, Object> headers = new HashMap<>();
    headers.put("kind", "report");
    headers.put("size", 3);
    headers.put("nested", Map.of("list", List.of(1, "two", true)));
    Date stamp = new Date(1_700_000_000_000L);
    AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder().headers(headers).contentType("text/plain")
        .timestamp(stamp).messageId("id-1").priority(4).build();
    channel.basicPublish("java-headers", "ignored", properties, "hello".getBytes());
    GetResponse got = poll(channel, queue);
    check(got.getProps().getTimestamp().equals(stamp) && got.getProps().getMessageId().equals("id-1"), "properties survive");
    Map<?, ?> nested = (Map<?, ?>) got.getProps().getHeaders().get("nested");
    check(((List<?>) nested.get("list")).get(0).equals(1), "nested header tables survive with their types");
    channel.close();
  }

  static void getAndReject(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    String dead = channel.queueDeclare().getQueue();
    String queue = channel.queueDeclare("", false, true, false, Map.of("x-dead-letter-exchange", "", "x-dead-letter-routing-key", dead)).getQueue();
    channel.basicPublish("", queue, null, "first".getBytes());
    GetResponse got = poll(channel, queue);
    channel.basicNack(got.getEnvelope().getDeliveryTag(), false, true);
    got = poll(channel, queue);
    check(got.getEnvelope().isRedeliver(), "a requeued message is marked redelivered");
    channel.basicReject(got.getEnvelope().getDeliveryTag(), false);
    got = poll(channel, dead);
    Map<?, ?> death = (Map<?, ?>) ((List<?>) got.getProps().getHeaders().get("x-death")).get(0);
    check(death.get("reason").toString().equals("rejected") && death.get("queue").toString().equals(queue), "x-death names reason and queue");
    channel.close();
  }

  static void channelErrors(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    int code = 0;
    try {
      channel.queueDeclarePassive("java-missing");
    } catch (java.io.IOException e) {
      ShutdownSignalException signal = (ShutdownSignalException) e.getCause();
      code = ((AMQP.Channel.Close) signal.getReason()).getReplyCode();
    }
    check(code == 404 && connection.isOpen(), "404 closes the channel, not the connection");
  }

  static void transactions(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    String queue = channel.queueDeclare().getQueue();
    channel.txSelect();
    channel.basicPublish("", queue, null, "a".getBytes());
    channel.txRollback();
    channel.basicPublish("", queue, null, "b".getBytes());
    channel.txCommit();
    check(new String(poll(channel, queue).getBody()).equals("b") && channel.messageCount(queue) == 0, "commit publishes, rollback forgets");
    channel.txCommit();
    channel.close();
  }

  static void rpc(Connection connection) throws Exception {
    Channel server = connection.createChannel();
    String queue = server.queueDeclare().getQueue();
    server.basicConsume(queue, true, (tag, d) -> server.basicPublish("", d.getProperties().getReplyTo(),
        new AMQP.BasicProperties.Builder().correlationId(d.getProperties().getCorrelationId()).build(),
        new String(d.getBody()).toUpperCase().getBytes()), tag -> {});
    Channel client = connection.createChannel();
    RpcClient rpc = new RpcClient(new RpcClientParams().channel(client).exchange("").routingKey(queue).timeout(5000));
    check(rpc.stringCall("ping").equals("PING"), "RPC over direct reply-to");
    rpc.close();
  }

  static void exchangeToExchange(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    channel.exchangeDeclare("java-a", "fanout", false, true, null);
    channel.exchangeDeclare("java-b", "topic", false, true, null);
    channel.exchangeBind("java-b", "java-a", "");
    String queue = channel.queueDeclare().getQueue();
    channel.queueBind(queue, "java-b", "logs.#");
    channel.basicPublish("java-a", "logs.error", null, "x".getBytes());
    check(poll(channel, queue).getEnvelope().getExchange().equals("java-a"), "exchange-to-exchange bindings route");
    channel.exchangeUnbind("java-b", "java-a", "");
    channel.close();
  }

  static void quorum(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    channel.confirmSelect();
    channel.queueDeclare("java-quorum", true, false, false, Map.of("x-queue-type", "quorum", "x-delivery-limit", 2));
    channel.basicPublish("", "java-quorum", null, "q".getBytes());
    channel.waitForConfirmsOrDie(5000);
    for (int i = 0; i < 3; i++) channel.basicReject(poll(channel, "java-quorum").getEnvelope().getDeliveryTag(), true);
    check(channel.basicGet("java-quorum", true) == null, "the delivery limit of a quorum queue drops a poison message");
    channel.queueDelete("java-quorum");
    channel.close();
  }

  static void recovery(ConnectionFactory factory) throws Exception {
    factory.setNetworkRecoveryInterval(200);
    RecoverableConnection connection = (RecoverableConnection) factory.newConnection("java-recovery");
    CountDownLatch recovered = new CountDownLatch(1);
    connection.addRecoveryListener(new RecoveryListener() {
      public void handleRecovery(Recoverable r) { recovered.countDown(); }
      public void handleRecoveryStarted(Recoverable r) {}
    });
    Channel channel = connection.createChannel();
    String queue = channel.queueDeclare("java-recovery", false, false, true, null).getQueue();
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    channel.basicConsume(queue, true, (tag, d) -> seen.add(new String(d.getBody())), tag -> {});
    // The broker answers an unknown method by closing the connection; the client then recovers connection, queue and consumer.
    try {
      channel.basicPublish("", queue, true, true, null, new byte[0]);
    } catch (Exception ignored) {
      System.out.println("immediate was refused at once: " + ignored.getMessage());
    }
    check(recovered.await(15, TimeUnit.SECONDS), "the client recovers after the broker closed the connection");
    connection.createChannel().basicPublish("", queue, null, "again".getBytes(StandardCharsets.UTF_8));
    check("again".equals(seen.poll(10, TimeUnit.SECONDS)), "the recovered consumer receives");
    connection.close();
  }

  static GetResponse poll(Channel channel, String queue) throws Exception {
    long end = System.nanoTime() + 5_000_000_000L;
    while (System.nanoTime() < end) {
      GetResponse got = channel.basicGet(queue, false);
      if (got != null) return got;
      Thread.sleep(5);
    }
    throw new AssertionError("nothing arrived in " + queue);
  }
}
