import com.rabbitmq.client.*;
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

/** The Java client over TLS with a client certificate; prints "ok NAME" per check, exits 1 at the first failure. */
public class TlsInterop {
  static final Path FOLDER = Path.of(System.getenv("TLS_FOLDER"));
  static final int PORT = Integer.parseInt(System.getenv("AMQPS_PORT"));

  static void check(boolean truth, String what) {
    if (!truth) throw new AssertionError(what);
    System.out.println("ok " + what);
  }

  public static void main(String[] args) throws Exception {
    for (String version : List.of("TLSv1.2", "TLSv1.3")) {
      try (Connection connection = factory(true, version, true).newConnection("java-tls")) {
        Channel channel = connection.createChannel();
        channel.confirmSelect();
        String queue = channel.queueDeclare().getQueue();
        byte[] body = new byte[200_000];
        new Random(1).nextBytes(body);
        channel.basicPublish("", queue, null, body);
        channel.waitForConfirmsOrDie(10_000);
        check(Arrays.equals(channel.basicGet(queue, true).getBody(), body), "EXTERNAL, publish and get over " + version);
      }
    }
    check(isRefused(factory(false, "TLSv1.3", false)), "no client certificate, no connection");
    check(isRefused(factory(true, "TLSv1.1", true)), "TLS 1.1 is not spoken");
  }

  static boolean isRefused(ConnectionFactory factory) {
    try (Connection connection = factory.newConnection()) {
      return false;
    } catch (Exception refused) {
      return true;
    }
  }

  static ConnectionFactory factory(boolean withCertificate, String version, boolean external) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null);
    trusted.setCertificateEntry("ca", certificate("ca.pem"));
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    KeyManager[] keys = null;
    if (withCertificate) {
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null);
      own.setKeyEntry("client", key(), new char[0], new Certificate[] {certificate("client.pem")});
      KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
      managers.init(own, new char[0]);
      keys = managers.getKeyManagers();
    }
    SSLContext context = SSLContext.getInstance(version);
    context.init(keys, trust.getTrustManagers(), null);
    ConnectionFactory factory = new ConnectionFactory();
    factory.setHost("localhost");
    factory.setPort(PORT);
    factory.useSslProtocol(context);
    factory.enableHostnameVerification();
    factory.setAutomaticRecoveryEnabled(false);
    if (external) factory.setSaslConfig(DefaultSaslConfig.EXTERNAL);
    return factory;
  }

  static Certificate certificate(String name) throws Exception {
    try (InputStream in = Files.newInputStream(FOLDER.resolve(name))) {
      return CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  static PrivateKey key() throws Exception {
    String pem = Files.readString(FOLDER.resolve("client-key.pem")).replaceAll("-----[A-Z ]+-----|\\s", "");
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
  }
}
