/**
 * Definitions files for tests: two as RabbitMQ 3.10.8 exported them (names and identities of the cluster replaced), and one
 * written by hand in the form of 4.1.
 */

/** Of a whole broker, 3.10. */
export const RABBITMQ_3_10 = String.raw`{
 "rabbit_version": "3.10.8",
 "rabbitmq_version": "3.10.8",
 "product_name": "RabbitMQ",
 "product_version": "3.10.8",
 "users": [
  {
   "name": "shop-app",
   "password_hash": "yo+h1klxtejss5nLHLCU3WEdCfk57ysrhiv9JB82wh4Gxm4w",
   "hashing_algorithm": "rabbit_password_hashing_sha256",
   "tags": [
    "monitoring",
    "policymaker"
   ],
   "limits": {
    "max-channels": 20
   }
  },
  {
   "name": "guest",
   "password_hash": "XsSmamhoyQlFMWpt2sdgA+lcLJz+yxoHLgkBrnj9G3oosCH7",
   "hashing_algorithm": "rabbit_password_hashing_sha256",
   "tags": [
    "administrator"
   ],
   "limits": {}
  },
  {
   "name": "shop-nopw",
   "password_hash": "",
   "hashing_algorithm": "rabbit_password_hashing_sha256",
   "tags": [],
   "limits": {}
  }
 ],
 "vhosts": [
  {
   "name": "/"
  },
  {
   "name": "shop"
  }
 ],
 "permissions": [
  {
   "user": "guest",
   "vhost": "shop",
   "configure": ".*",
   "write": ".*",
   "read": ".*"
  },
  {
   "user": "guest",
   "vhost": "/",
   "configure": ".*",
   "write": ".*",
   "read": ".*"
  },
  {
   "user": "shop-app",
   "vhost": "shop",
   "configure": "^app\\.",
   "write": ".*",
   "read": ".*"
  }
 ],
 "topic_permissions": [
  {
   "user": "shop-app",
   "vhost": "shop",
   "exchange": "amq.topic",
   "write": "^{username}\\..*",
   "read": ".*"
  }
 ],
 "parameters": [
  {
   "value": {
    "pattern": ".*",
    "definition": {
     "max-length": 100000
    },
    "priority": 1,
    "apply-to": "queues"
   },
   "vhost": "shop",
   "component": "operator_policy",
   "name": "shop-op"
  },
  {
   "value": {
    "max-queues": 500,
    "max-connections": 100
   },
   "vhost": "shop",
   "component": "vhost-limits",
   "name": "limits"
  }
 ],
 "global_parameters": [
  {
   "name": "shop-global",
   "value": {
    "x": [
     1,
     2
    ]
   }
  },
  {
   "name": "cluster_name",
   "value": "rabbit@shop"
  },
  {
   "name": "internal_cluster_id",
   "value": "rabbitmq-cluster-id-0123456789"
  }
 ],
 "policies": [
  {
   "vhost": "shop",
   "name": "shop-ttl",
   "pattern": "^shop-",
   "apply-to": "queues",
   "definition": {
    "expires": 3600000,
    "message-ttl": 5000
   },
   "priority": 3
  }
 ],
 "queues": [
  {
   "name": "shop-transient",
   "vhost": "shop",
   "durable": false,
   "auto_delete": true,
   "arguments": {}
  },
  {
   "name": "shop-quorum",
   "vhost": "shop",
   "durable": true,
   "auto_delete": false,
   "arguments": {
    "x-delivery-limit": 7,
    "x-queue-type": "quorum"
   }
  },
  {
   "name": "shop-classic",
   "vhost": "shop",
   "durable": true,
   "auto_delete": false,
   "arguments": {
    "x-custom": {
     "a": [
      1,
      "b",
      true,
      1.5
     ]
    },
    "x-dead-letter-exchange": "shop-dlx",
    "x-max-length": 1000,
    "x-max-priority": 5,
    "x-message-ttl": 60000,
    "x-overflow": "reject-publish"
   }
  }
 ],
 "exchanges": [
  {
   "name": "shop-topic",
   "vhost": "shop",
   "type": "topic",
   "durable": false,
   "auto_delete": true,
   "internal": false,
   "arguments": {}
  },
  {
   "name": "shop-dlx",
   "vhost": "shop",
   "type": "fanout",
   "durable": true,
   "auto_delete": false,
   "internal": true,
   "arguments": {}
  },
  {
   "name": "shop-headers",
   "vhost": "shop",
   "type": "headers",
   "durable": true,
   "auto_delete": false,
   "internal": false,
   "arguments": {
    "alternate-exchange": "shop-dlx"
   }
  }
 ],
 "bindings": [
  {
   "source": "amq.direct",
   "vhost": "shop",
   "destination": "shop-classic",
   "destination_type": "queue",
   "routing_key": "k",
   "arguments": {}
  },
  {
   "source": "shop-headers",
   "vhost": "shop",
   "destination": "shop-quorum",
   "destination_type": "queue",
   "routing_key": "",
   "arguments": {
    "kind": "invoice",
    "n": 3,
    "x-match": "any"
   }
  },
  {
   "source": "shop-headers",
   "vhost": "shop",
   "destination": "shop-quorum",
   "destination_type": "queue",
   "routing_key": "",
   "arguments": {
    "kind": "order",
    "x-match": "all"
   }
  },
  {
   "source": "shop-topic",
   "vhost": "shop",
   "destination": "shop-classic",
   "destination_type": "queue",
   "routing_key": "a.*.#",
   "arguments": {}
  },
  {
   "source": "shop-topic",
   "vhost": "shop",
   "destination": "shop-dlx",
   "destination_type": "exchange",
   "routing_key": "dead.#",
   "arguments": {}
  }
 ]
}`

/** Of one virtual host, 3.10. */
export const RABBITMQ_3_10_VHOST = `{
 "rabbit_version": "3.10.8",
 "parameters": [
  {
   "value": {
    "pattern": ".*",
    "definition": {
     "max-length": 100000
    },
    "priority": 1,
    "apply-to": "queues"
   },
   "vhost": "shop",
   "component": "operator_policy",
   "name": "shop-op"
  },
  {
   "value": {
    "max-queues": 500,
    "max-connections": 100
   },
   "vhost": "shop",
   "component": "vhost-limits",
   "name": "limits"
  }
 ],
 "policies": [
  {
   "vhost": "shop",
   "name": "shop-ttl",
   "pattern": "^shop-",
   "apply-to": "queues",
   "definition": {
    "expires": 3600000,
    "message-ttl": 5000
   },
   "priority": 3
  }
 ],
 "queues": [
  {
   "name": "shop-transient",
   "durable": false,
   "auto_delete": true,
   "arguments": {}
  },
  {
   "name": "shop-quorum",
   "durable": true,
   "auto_delete": false,
   "arguments": {
    "x-delivery-limit": 7,
    "x-queue-type": "quorum"
   }
  },
  {
   "name": "shop-classic",
   "durable": true,
   "auto_delete": false,
   "arguments": {
    "x-custom": {
     "a": [
      1,
      "b",
      true,
      1.5
     ]
    },
    "x-dead-letter-exchange": "shop-dlx",
    "x-max-length": 1000,
    "x-max-priority": 5,
    "x-message-ttl": 60000,
    "x-overflow": "reject-publish"
   }
  }
 ],
 "exchanges": [
  {
   "name": "shop-topic",
   "type": "topic",
   "durable": false,
   "auto_delete": true,
   "internal": false,
   "arguments": {}
  },
  {
   "name": "shop-dlx",
   "type": "fanout",
   "durable": true,
   "auto_delete": false,
   "internal": true,
   "arguments": {}
  },
  {
   "name": "shop-headers",
   "type": "headers",
   "durable": true,
   "auto_delete": false,
   "internal": false,
   "arguments": {
    "alternate-exchange": "shop-dlx"
   }
  }
 ],
 "bindings": [
  {
   "source": "amq.direct",
   "destination": "shop-classic",
   "destination_type": "queue",
   "routing_key": "k",
   "arguments": {}
  },
  {
   "source": "shop-headers",
   "destination": "shop-quorum",
   "destination_type": "queue",
   "routing_key": "",
   "arguments": {
    "kind": "invoice",
    "n": 3,
    "x-match": "any"
   }
  },
  {
   "source": "shop-headers",
   "destination": "shop-quorum",
   "destination_type": "queue",
   "routing_key": "",
   "arguments": {
    "kind": "order",
    "x-match": "all"
   }
  },
  {
   "source": "shop-topic",
   "destination": "shop-classic",
   "destination_type": "queue",
   "routing_key": "a.*.#",
   "arguments": {}
  },
  {
   "source": "shop-topic",
   "destination": "shop-dlx",
   "destination_type": "exchange",
   "routing_key": "dead.#",
   "arguments": {}
  }
 ]
}`

/** Of a whole broker, 4.1: metadata of vhosts, markers of types, a policy for mirrors, a section nobody knows. */
export const RABBITMQ_4_1 = String.raw`{
 "rabbit_version": "4.1.4",
 "rabbitmq_version": "4.1.4",
 "product_name": "RabbitMQ",
 "product_version": "4.1.4",
 "rabbitmq_definition_format": "cluster",
 "original_cluster_name": "rabbit@node-1",
 "explanation": "Definitions of cluster 'rabbit@node-1'",
 "users": [
  {
   "name": "guest",
   "password_hash": "XsSmamhoyQlFMWpt2sdgA+lcLJz+yxoHLgkBrnj9G3oosCH7",
   "hashing_algorithm": "rabbit_password_hashing_sha256",
   "tags": [
    "administrator"
   ],
   "limits": {}
  }
 ],
 "vhosts": [
  {
   "name": "/",
   "description": "Default virtual host",
   "metadata": {
    "description": "Default virtual host",
    "tags": [],
    "default_queue_type": "classic"
   },
   "tags": [],
   "default_queue_type": "classic"
  },
  {
   "name": "billing",
   "description": "Invoices",
   "metadata": {
    "description": "Invoices",
    "tags": [
     "pci"
    ],
    "default_queue_type": "quorum",
    "protected_from_deletion": true
   },
   "tags": [
    "pci"
   ],
   "default_queue_type": "quorum",
   "limits": []
  }
 ],
 "permissions": [
  {
   "user": "guest",
   "vhost": "/",
   "configure": ".*",
   "write": ".*",
   "read": ".*"
  },
  {
   "user": "guest",
   "vhost": "billing",
   "configure": ".*",
   "write": ".*",
   "read": ".*"
  }
 ],
 "topic_permissions": [],
 "parameters": [
  {
   "value": {
    "max-connections": 50
   },
   "vhost": "billing",
   "component": "vhost-limits",
   "name": "limits"
  },
  {
   "value": {
    "uri": "amqp://other",
    "expires": 60000
   },
   "vhost": "billing",
   "component": "federation-upstream",
   "name": "origin"
  }
 ],
 "global_parameters": [
  {
   "name": "cluster_tags",
   "value": []
  },
  {
   "name": "internal_cluster_id",
   "value": "rabbitmq-cluster-id-0"
  }
 ],
 "policies": [
  {
   "vhost": "billing",
   "name": "retry",
   "pattern": "^in\\.",
   "apply-to": "quorum_queues",
   "definition": {
    "delivery-limit": 10,
    "dead-letter-exchange": "dead"
   },
   "priority": 0
  },
  {
   "vhost": "/",
   "name": "mirrors",
   "pattern": ".*",
   "apply-to": "all",
   "definition": {
    "ha-mode": "all"
   },
   "priority": 0
  }
 ],
 "queues": [
  {
   "name": "in.invoices",
   "vhost": "billing",
   "durable": true,
   "auto_delete": false,
   "arguments": {
    "x-queue-type": "quorum"
   },
   "type": "quorum"
  },
  {
   "name": "plain",
   "vhost": "/",
   "durable": true,
   "auto_delete": false,
   "arguments": {},
   "type": "classic"
  },
  {
   "name": "marked",
   "vhost": "/",
   "durable": true,
   "auto_delete": false,
   "arguments": {},
   "type": "quorum"
  }
 ],
 "exchanges": [
  {
   "name": "dead",
   "vhost": "billing",
   "type": "fanout",
   "durable": true,
   "auto_delete": false,
   "internal": false,
   "arguments": {}
  }
 ],
 "bindings": [
  {
   "source": "dead",
   "vhost": "billing",
   "destination": "in.invoices",
   "destination_type": "queue",
   "routing_key": "",
   "arguments": {}
  }
 ],
 "a_section_of_the_future": [
  {
   "name": "x"
  }
 ]
}`
