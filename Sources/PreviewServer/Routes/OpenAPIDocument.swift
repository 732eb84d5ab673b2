// swift-format-ignore-file
// Generated from Docs/openapi.yaml by `make openapi`.

/// The API's description as the service serves it.
enum OpenAPIDocument {
    static let json = #"""
{
  "components" : {
    "headers" : {
      "RetryAfter" : {
        "description" : "In how many seconds to try again.",
        "schema" : {
          "minimum" : 0,
          "type" : "integer"
        }
      },
      "ServerTiming" : {
        "description" : "Where the time went (W3C Server Timing), in milliseconds.",
        "schema" : {
          "type" : "string"
        }
      }
    },
    "parameters" : {
      "RequestID" : {
        "description" : "The `request_id` of a request for approval. What is no id is answered as one that is not there.",
        "example" : "k7m2q4x3n5b3r6t5w2zac2d4f7",
        "in" : "path",
        "name" : "requestId",
        "required" : true,
        "schema" : {
          "minLength" : 1,
          "type" : "string"
        }
      },
      "RunID" : {
        "description" : "The run; a UUID in any spelling is one run.",
        "example" : "3f2a9c1e-0000-4000-8000-000000000001",
        "in" : "path",
        "name" : "runId",
        "required" : true,
        "schema" : {
          "pattern" : "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
          "type" : "string"
        }
      },
      "Token" : {
        "description" : "The preview's `session_id`. A secret. What is no token is answered as a token that nobody has.",
        "example" : "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7",
        "in" : "path",
        "name" : "token",
        "required" : true,
        "schema" : {
          "minLength" : 1,
          "type" : "string"
        }
      }
    },
    "requestBodies" : {
      "Start" : {
        "content" : {
          "application/json" : {
            "examples" : {
              "camel-case" : {
                "value" : {
                  "targetPort" : 3000
                }
              },
              "snake-case" : {
                "value" : {
                  "target_port" : 3000
                }
              }
            },
            "schema" : {
              "$ref" : "#/components/schemas/Start"
            }
          }
        },
        "required" : true
      }
    },
    "responses" : {
      "BadRequest" : {
        "content" : {
          "application/json" : {
            "example" : {
              "error" : "Port 22 cannot be previewed: expected a port from 3000 to 9000."
            },
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The run id, a parameter or the body cannot be used."
      },
      "Forbidden" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The caller may not do this to this run."
      },
      "NoSandbox" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The run has no sandbox pod that is ready, or previews are switched off."
      },
      "NoSuchPreview" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "This run has no such preview. A foreign token, an unknown one and a malformed one look the same."
      },
      "NoSuchRun" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "There is no such run, or none that this caller may know of."
      },
      "NothingPending" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "No request of that id waits for a decision."
      },
      "NotJSON" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The body is not JSON by its type."
      },
      "OK" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "properties" : {
                "status" : {
                  "const" : "ok"
                }
              },
              "required" : [
                "status"
              ],
              "type" : "object"
            }
          }
        },
        "description" : "Yes."
      },
      "Started" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Session"
            }
          }
        },
        "description" : "The preview exists. `ready` says whether it also works, `detail` why not.",
        "headers" : {
          "Server-Timing" : {
            "$ref" : "#/components/headers/ServerTiming"
          }
        }
      },
      "StartedByOwner" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Session"
            }
          }
        },
        "description" : "The preview exists. `ready` says whether it also works, `detail` why not.",
        "headers" : {
          "Server-Timing" : {
            "$ref" : "#/components/headers/ServerTiming"
          }
        },
        "links" : {
          "keepAlive" : {
            "operationId" : "keepPreviewAlive",
            "parameters" : {
              "runId" : "$request.path.runId",
              "token" : "$response.body#/session_id"
            }
          },
          "list" : {
            "operationId" : "listPreviews",
            "parameters" : {
              "runId" : "$request.path.runId"
            }
          },
          "stop" : {
            "operationId" : "stopPreview",
            "parameters" : {
              "runId" : "$request.path.runId",
              "token" : "$response.body#/session_id"
            }
          }
        }
      },
      "TooLarge" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The body is longer than 16 KiB. The connection is closed."
      },
      "TooMany" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "The run or the service has as many previews as it may, the caller sends too fast, or too many calls wait for the run.",
        "headers" : {
          "Retry-After" : {
            "required" : true,
            "schema" : {
              "minimum" : 0,
              "type" : "integer"
            }
          }
        }
      },
      "Unauthorized" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "No or bad credentials.",
        "headers" : {
          "WWW-Authenticate" : {
            "schema" : {
              "type" : "string"
            }
          }
        }
      },
      "Unavailable" : {
        "content" : {
          "application/json" : {
            "schema" : {
              "$ref" : "#/components/schemas/Error"
            }
          }
        },
        "description" : "Not now. Nothing half-made is left behind. Without `Retry-After` trying again does not help: the cluster refuses\nwhat this service asked of it (its credentials, a webhook, a policy, a namespace that ends), and an operator has\nto act. The error says which of them it is.\n",
        "headers" : {
          "Retry-After" : {
            "$ref" : "#/components/headers/RetryAfter"
          }
        }
      }
    },
    "schemas" : {
      "Approval" : {
        "properties" : {
          "automatic" : {
            "description" : "Why nobody was asked.",
            "type" : "string"
          },
          "deadline" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "decided_at" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "decided_by" : {
            "type" : "string"
          },
          "display_id" : {
            "description" : "The first 8 characters, for humans.",
            "type" : "string"
          },
          "message" : {
            "type" : "string"
          },
          "pod_name" : {
            "type" : "string"
          },
          "reason" : {
            "type" : "string"
          },
          "request_id" : {
            "pattern" : "^[a-z2-7]{26}$",
            "type" : "string"
          },
          "requested_at" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "requested_by" : {
            "type" : "string"
          },
          "resource" : {
            "pattern" : "^sandbox-preview:[0-9]+$",
            "type" : "string"
          },
          "run_id" : {
            "type" : "string"
          },
          "scope" : {
            "enum" : [
              "once",
              "run",
              "tool",
              "always"
            ]
          },
          "session" : {
            "$ref" : "#/components/schemas/Session"
          },
          "state" : {
            "enum" : [
              "pending",
              "granted",
              "consumed",
              "denied",
              "timed-out",
              "withdrawn"
            ]
          },
          "status_url" : {
            "type" : "string"
          },
          "target_port" : {
            "type" : "integer"
          },
          "tool_name" : {
            "const" : "start_preview"
          },
          "usable_until" : {
            "$ref" : "#/components/schemas/Timestamp"
          }
        },
        "required" : [
          "request_id",
          "display_id",
          "run_id",
          "state",
          "tool_name",
          "resource",
          "message",
          "target_port",
          "pod_name",
          "requested_by",
          "requested_at",
          "deadline",
          "status_url"
        ],
        "type" : "object"
      },
      "Approved" : {
        "properties" : {
          "approved" : {
            "const" : true
          },
          "request_id" : {
            "type" : "string"
          },
          "run_id" : {
            "type" : "string"
          },
          "scope" : {
            "enum" : [
              "once",
              "run",
              "tool",
              "always"
            ]
          }
        },
        "required" : [
          "run_id",
          "request_id",
          "approved"
        ],
        "type" : "object"
      },
      "AutoApprove" : {
        "properties" : {
          "auto_approve_tools" : {
            "type" : "boolean"
          },
          "run_id" : {
            "type" : "string"
          }
        },
        "required" : [
          "run_id",
          "auto_approve_tools"
        ],
        "type" : "object"
      },
      "Denied" : {
        "properties" : {
          "denied" : {
            "const" : true
          },
          "request_id" : {
            "type" : "string"
          },
          "run_id" : {
            "type" : "string"
          }
        },
        "required" : [
          "run_id",
          "request_id",
          "denied"
        ],
        "type" : "object"
      },
      "Error" : {
        "properties" : {
          "error" : {
            "description" : "What was wrong, what was expected, what to do.",
            "minLength" : 1,
            "type" : "string"
          }
        },
        "required" : [
          "error"
        ],
        "type" : "object"
      },
      "JSONRPCMessage" : {
        "description" : "One message of JSON-RPC 2.0, a request with an id or a notification without.",
        "properties" : {
          "id" : {
            "type" : [
              "string",
              "integer"
            ]
          },
          "jsonrpc" : {
            "const" : "2.0"
          },
          "method" : {
            "type" : "string"
          },
          "params" : {
            "type" : [
              "object",
              "null"
            ]
          }
        },
        "required" : [
          "jsonrpc",
          "method"
        ],
        "type" : "object"
      },
      "JSONRPCResponse" : {
        "oneOf" : [
          {
            "required" : [
              "result"
            ]
          },
          {
            "required" : [
              "error"
            ]
          }
        ],
        "properties" : {
          "error" : {
            "properties" : {
              "code" : {
                "type" : "integer"
              },
              "message" : {
                "type" : "string"
              }
            },
            "required" : [
              "code",
              "message"
            ],
            "type" : "object"
          },
          "id" : {
            "type" : [
              "string",
              "integer",
              "null"
            ]
          },
          "jsonrpc" : {
            "const" : "2.0"
          },
          "result" : {
            "type" : "object"
          }
        },
        "required" : [
          "jsonrpc",
          "id"
        ],
        "type" : "object"
      },
      "KeptAlive" : {
        "properties" : {
          "expires_at" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "kept_alive" : {
            "const" : true
          },
          "max_until" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "token" : {
            "type" : "string"
          }
        },
        "required" : [
          "token",
          "kept_alive",
          "expires_at",
          "max_until"
        ],
        "type" : "object"
      },
      "Port" : {
        "description" : "The port on which the app listens. The range is a setting; this is its default. The same number as text is taken\ntoo, for callers that write it so.\n",
        "maximum" : 9000,
        "minimum" : 3000,
        "type" : "integer"
      },
      "Readiness" : {
        "properties" : {
          "brake" : {
            "properties" : {
              "engaged" : {
                "description" : "Whether new previews are refused.",
                "type" : "boolean"
              },
              "reason" : {
                "type" : "string"
              }
            },
            "required" : [
              "engaged"
            ],
            "type" : "object"
          },
          "cluster" : {
            "properties" : {
              "reachable" : {
                "description" : "Whether the API server answered when it was last asked.",
                "type" : "boolean"
              },
              "reason" : {
                "type" : "string"
              }
            },
            "required" : [
              "reachable"
            ],
            "type" : "object"
          },
          "idle_reaping" : {
            "properties" : {
              "paused" : {
                "description" : "Whether previews that nobody keeps alive are left alone, because keepalives could not be recorded.",
                "type" : "boolean"
              },
              "seconds_left" : {
                "description" : "For how long at least.",
                "minimum" : 1,
                "type" : "integer"
              }
            },
            "required" : [
              "paused"
            ],
            "type" : "object"
          },
          "serving" : {
            "description" : "Whether the replica takes callers.",
            "type" : "boolean"
          },
          "status" : {
            "const" : "ok",
            "description" : "Only where the replica takes callers."
          }
        },
        "required" : [
          "serving",
          "brake",
          "cluster",
          "idle_reaping"
        ],
        "type" : "object"
      },
      "Session" : {
        "examples" : [
          {
            "app_status" : 200,
            "expires_at" : "2026-01-01T12:33:00Z",
            "keepalive_url" : "/api/runs/3f2a9c1e-0000-4000-8000-000000000001/sandbox/preview/swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7/keepalive",
            "local_port" : 0,
            "max_until" : "2026-01-01T20:00:00Z",
            "pod_name" : "agent-3f2a9c1e0000",
            "preview_url" : "https://swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7-preview.preview.example.com",
            "ready" : true,
            "session_id" : "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7",
            "started_at" : "2026-01-01T12:00:00Z",
            "target_port" : 3000
          }
        ],
        "properties" : {
          "app_status" : {
            "description" : "The status with which the app answered.",
            "type" : "integer"
          },
          "detail" : {
            "description" : "Why it is not ready, or what the app's answer means, in words.",
            "type" : "string"
          },
          "expires_at" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "keepalive_url" : {
            "description" : "Where to POST, about once a minute, while somebody looks.",
            "type" : "string"
          },
          "local_port" : {
            "const" : 0
          },
          "max_until" : {
            "$ref" : "#/components/schemas/Timestamp",
            "description" : "When it ends whatever the keepalives say."
          },
          "pod_name" : {
            "type" : "string"
          },
          "preview_url" : {
            "description" : "What a browser opens. A secret.",
            "format" : "uri",
            "type" : "string"
          },
          "ready" : {
            "description" : "Whether the app answered through the gateway.",
            "type" : "boolean"
          },
          "session_id" : {
            "description" : "The token. A secret.",
            "type" : "string"
          },
          "started_at" : {
            "$ref" : "#/components/schemas/Timestamp"
          },
          "target_port" : {
            "maximum" : 65535,
            "minimum" : 1,
            "type" : "integer"
          }
        },
        "required" : [
          "session_id",
          "local_port",
          "started_at",
          "preview_url",
          "keepalive_url",
          "expires_at",
          "max_until",
          "ready"
        ],
        "type" : "object"
      },
      "Start" : {
        "description" : "The port, in one of two spellings.",
        "oneOf" : [
          {
            "required" : [
              "target_port"
            ]
          },
          {
            "required" : [
              "targetPort"
            ]
          }
        ],
        "properties" : {
          "target_port" : {
            "$ref" : "#/components/schemas/Port"
          },
          "targetPort" : {
            "$ref" : "#/components/schemas/Port"
          }
        },
        "type" : "object"
      },
      "Stopped" : {
        "properties" : {
          "session_id" : {
            "type" : "string"
          },
          "stopped" : {
            "const" : true
          }
        },
        "required" : [
          "session_id",
          "stopped"
        ],
        "type" : "object"
      },
      "Timestamp" : {
        "description" : "RFC 3339, UTC.",
        "format" : "date-time",
        "type" : "string"
      }
    },
    "securitySchemes" : {
      "bearer" : {
        "description" : "The platform's service key, an access token of the platform's issuer, a Kubernetes ServiceAccount token, or any\nbearer that the core API accepts for the run (RFC 6750).\n",
        "scheme" : "bearer",
        "type" : "http"
      }
    }
  },
  "info" : {
    "description" : "A preview is the public address of one port of a run's sandbox. A human starts one directly; an agent asks for one\nand waits until a human approves. A preview lives as long as somebody keeps it alive, and never longer than its cap.\n\nEvery error has the body `{\"error\": \"<a sentence>\"}`. `Retry-After` says when it is worth trying again; `0` means\nat once, which another replica will answer.\n\nRequests have at most 16 KiB of body, 8 KiB in a header field, 16 KiB and 100 fields in all headers. Each caller has\na rate; beyond it the answer is 429. Every answer carries `Cache-Control: no-store` unless it says otherwise.\n",
    "license" : {
      "identifier" : "Apache-2.0",
      "name" : "Apache 2.0"
    },
    "summary" : "Makes web servers inside sandbox pods reachable at unguessable addresses, and takes them back.",
    "title" : "Agentweaver preview gateway",
    "version" : "1.0.0"
  },
  "openapi" : "3.1.1",
  "paths" : {
    "/api/runs/{runId}/auto-approve" : {
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ],
      "post" : {
        "operationId" : "switchAutoApprove",
        "requestBody" : {
          "content" : {
            "application/json" : {
              "examples" : {
                "switched-on" : {
                  "value" : {
                    "enabled" : true
                  }
                }
              },
              "schema" : {
                "properties" : {
                  "enabled" : {
                    "type" : "boolean"
                  }
                },
                "required" : [
                  "enabled"
                ],
                "type" : "object"
              }
            }
          },
          "required" : true
        },
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/AutoApprove"
                }
              }
            },
            "description" : "The option is as asked; what waits goes on when it is on."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Approve all requests of a run automatically, or no longer",
        "tags" : [
          "approvals"
        ]
      }
    },
    "/api/runs/{runId}/preview-events" : {
      "get" : {
        "description" : "Server-sent events. Each has an id, and the event's name is the kind: `tool.approval_required`,\n`tool.auto_approved`, `preview.approved`, `preview.denied`, `preview.timed_out`, `preview.withdrawn`,\n`preview.started`, `preview.expiring`, `preview.stopped`, `preview.reaped`. The data is one JSON object whose\nmembers are all strings: `type`, `id`, `runId`, `time`, `message`, and what the kind adds. The same event may\ncome again, with the same `id`. A comment comes every 15 s; a stream ends after 15 min, and whoever comes back\nresumes.\n",
        "operationId" : "followPreviewEvents",
        "parameters" : [
          {
            "description" : "The id of the last event that was received; what follows it is sent.",
            "in" : "header",
            "name" : "Last-Event-ID",
            "schema" : {
              "type" : "string"
            }
          }
        ],
        "responses" : {
          "200" : {
            "content" : {
              "text/event-stream" : {
                "example" : "id: 4711\nevent: preview.started\ndata: {\"id\":\"preview.started/1f0c9a3e\",\"message\":\"The preview of port 3000 started.\",\"type\":\"preview.started\"}\n\n",
                "schema" : {
                  "type" : "string"
                }
              }
            },
            "description" : "The stream.",
            "headers" : {
              "Cache-Control" : {
                "schema" : {
                  "type" : "string"
                }
              }
            }
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Follow what happens to a run's previews",
        "tags" : [
          "timeline"
        ]
      },
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ]
    },
    "/api/runs/{runId}/preview-requests" : {
      "get" : {
        "operationId" : "listPreviewRequests",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "items" : {
                    "$ref" : "#/components/schemas/Approval"
                  },
                  "type" : "array"
                }
              }
            },
            "description" : "The requests of this run, the newest first."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "List what waits for approval, and what was decided of late",
        "tags" : [
          "approvals"
        ]
      },
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ]
    },
    "/api/runs/{runId}/preview-requests/{requestId}" : {
      "get" : {
        "description" : "Once the request has become a preview that lives, the answer holds its session: for whoever asked for it, and\nfor the run's owner and operators.\n",
        "operationId" : "getPreviewRequest",
        "parameters" : [
          {
            "description" : "How many seconds to wait for a decision before answering.",
            "in" : "query",
            "name" : "wait",
            "schema" : {
              "default" : 0,
              "maximum" : 60,
              "minimum" : 0,
              "type" : "integer"
            }
          }
        ],
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Approval"
                }
              }
            },
            "description" : "The request as it stands.",
            "headers" : {
              "Retry-After" : {
                "$ref" : "#/components/headers/RetryAfter"
              }
            }
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Error"
                }
              }
            },
            "description" : "There is no such request."
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Follow a request for approval",
        "tags" : [
          "approvals"
        ]
      },
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        },
        {
          "$ref" : "#/components/parameters/RequestID"
        }
      ]
    },
    "/api/runs/{runId}/sandbox/port-forward" : {
      "get" : {
        "operationId" : "listPreviews",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "examples" : {
                  "none" : {
                    "value" : [

                    ]
                  }
                },
                "schema" : {
                  "items" : {
                    "$ref" : "#/components/schemas/Session"
                  },
                  "type" : "array"
                }
              }
            },
            "description" : "All live previews of this run, the oldest first."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "List the previews of a run",
        "tags" : [
          "previews"
        ]
      },
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ],
      "post" : {
        "description" : "Nobody is asked. The answer comes once the gateway serves the preview, or says why it does not yet.",
        "operationId" : "startPreview",
        "requestBody" : {
          "$ref" : "#/components/requestBodies/Start"
        },
        "responses" : {
          "200" : {
            "$ref" : "#/components/responses/StartedByOwner"
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Start a preview as the run's owner",
        "tags" : [
          "previews"
        ]
      }
    },
    "/api/runs/{runId}/sandbox/port-forward/{token}" : {
      "delete" : {
        "description" : "Keeps out new requests, within moments and for good. What is open already, such as a WebSocket or an event stream,\nis not cut: it ends with its app, or at the latest as long after its beginning as the preview might have lived.\n",
        "operationId" : "stopPreview",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Stopped"
                }
              }
            },
            "description" : "The preview is gone; no new request gets through.",
            "links" : {
              "keepAliveIsTooLate" : {
                "operationId" : "keepPreviewAlive",
                "parameters" : {
                  "runId" : "$request.path.runId",
                  "token" : "$response.body#/session_id"
                }
              }
            }
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchPreview"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Stop a preview",
        "tags" : [
          "previews"
        ]
      },
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        },
        {
          "$ref" : "#/components/parameters/Token"
        }
      ]
    },
    "/api/runs/{runId}/sandbox/preview" : {
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ],
      "post" : {
        "description" : "Waits until a human approves, at most five minutes by default. Nothing is created before. A repeated request of\nthe same caller for the same port joins the one that waits. Who cannot hold a connection for so long sends\n`Prefer: respond-async` and follows the request at its `status_url`.\n",
        "operationId" : "requestPreview",
        "parameters" : [
          {
            "description" : "`respond-async` asks for an answer at once (RFC 7240).",
            "example" : "respond-async",
            "in" : "header",
            "name" : "Prefer",
            "schema" : {
              "type" : "string"
            }
          }
        ],
        "requestBody" : {
          "$ref" : "#/components/requestBodies/Start"
        },
        "responses" : {
          "200" : {
            "$ref" : "#/components/responses/Started"
          },
          "202" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Approval"
                }
              }
            },
            "description" : "The request waits for approval. Only with `Prefer: respond-async`.",
            "headers" : {
              "Location" : {
                "description" : "Where the request can be followed.",
                "schema" : {
                  "type" : "string"
                }
              },
              "Preference-Applied" : {
                "schema" : {
                  "const" : "respond-async",
                  "type" : "string"
                }
              },
              "Retry-After" : {
                "$ref" : "#/components/headers/RetryAfter"
              }
            },
            "links" : {
              "follow" : {
                "operationId" : "getPreviewRequest",
                "parameters" : {
                  "requestId" : "$response.body#/request_id",
                  "runId" : "$response.body#/run_id"
                }
              }
            }
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "content" : {
              "application/json" : {
                "example" : {
                  "error" : "Nobody decided about the request in time. Ask again once somebody can approve it."
                },
                "schema" : {
                  "$ref" : "#/components/schemas/Error"
                }
              }
            },
            "description" : "The caller may not ask for this run, or a human said no, or nobody decided in time."
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NoSandbox"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Ask for a preview as the run's agent",
        "tags" : [
          "approvals"
        ]
      }
    },
    "/api/runs/{runId}/sandbox/preview/{token}/keepalive" : {
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        },
        {
          "$ref" : "#/components/parameters/Token"
        }
      ],
      "post" : {
        "description" : "From now on it lives for at least the idle time, and never past its cap. An expired one is not revived, except one\nthat expired by idling while keepalives could not be recorded, for a short while after that.\n",
        "operationId" : "keepPreviewAlive",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/KeptAlive"
                }
              }
            },
            "description" : "It lives until `expires_at` at least."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchPreview"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Keep a preview alive",
        "tags" : [
          "previews"
        ]
      }
    },
    "/api/runs/{runId}/tool-approvals" : {
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ],
      "post" : {
        "description" : "The agent's own identity can never approve, and neither can those to whom the run is only shown. Scope `always`\nis for operators, unless `Sandbox__Preview__OwnersMayApproveAlways` is true. Where a core API is configured, a request that is not one of this\nservice's is passed on to it with the caller's own bearer, and its answer is handed on.\n",
        "operationId" : "approvePreviewRequest",
        "requestBody" : {
          "content" : {
            "application/json" : {
              "examples" : {
                "once" : {
                  "value" : {
                    "request_id" : "k7m2q4x3n5b3r6t5w2zac2d4f7",
                    "scope" : "once"
                  }
                }
              },
              "schema" : {
                "properties" : {
                  "request_id" : {
                    "minLength" : 1,
                    "type" : "string"
                  },
                  "scope" : {
                    "default" : "once",
                    "description" : "How far the grant reaches: this request; this run and port; this run and any port; any run and this port.",
                    "enum" : [
                      "once",
                      "run",
                      "tool",
                      "always",
                      null
                    ]
                  }
                },
                "required" : [
                  "request_id"
                ],
                "type" : "object"
              }
            }
          },
          "required" : true
        },
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Approved"
                }
              }
            },
            "description" : "The request is approved; whoever waits for it goes on."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NothingPending"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Approve a request",
        "tags" : [
          "approvals"
        ]
      }
    },
    "/api/runs/{runId}/tool-denials" : {
      "parameters" : [
        {
          "$ref" : "#/components/parameters/RunID"
        }
      ],
      "post" : {
        "operationId" : "denyPreviewRequest",
        "requestBody" : {
          "content" : {
            "application/json" : {
              "examples" : {
                "denied" : {
                  "value" : {
                    "request_id" : "k7m2q4x3n5b3r6t5w2zac2d4f7"
                  }
                }
              },
              "schema" : {
                "properties" : {
                  "reason" : {
                    "description" : "One sentence for whoever asked.",
                    "type" : [
                      "string",
                      "null"
                    ]
                  },
                  "request_id" : {
                    "minLength" : 1,
                    "type" : "string"
                  }
                },
                "required" : [
                  "request_id"
                ],
                "type" : "object"
              }
            }
          },
          "required" : true
        },
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Denied"
                }
              }
            },
            "description" : "The request is denied; whoever waits for it gets 403."
          },
          "400" : {
            "$ref" : "#/components/responses/BadRequest"
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "$ref" : "#/components/responses/NoSuchRun"
          },
          "409" : {
            "$ref" : "#/components/responses/NothingPending"
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "Deny a request",
        "tags" : [
          "approvals"
        ]
      }
    },
    "/healthz" : {
      "get" : {
        "operationId" : "liveness",
        "responses" : {
          "200" : {
            "$ref" : "#/components/responses/OK"
          }
        },
        "security" : [

        ],
        "summary" : "Whether the process works",
        "tags" : [
          "operations"
        ]
      }
    },
    "/mcp" : {
      "post" : {
        "description" : "Revisions 2026-07-28, 2025-11-25, 2025-06-18 and 2025-03-26, without sessions. The tools are `start_preview`,\n`list_previews` and `stop_preview`. In 2025-03-26 the body may be a batch of up to 16 messages. A call that waits for approval is answered with server-sent events where the\nclient accepts them. Pages of origins that are not configured are refused, by their `Origin` header.\n",
        "operationId" : "mcp",
        "parameters" : [
          {
            "description" : "The revision of the request. Without it the request is one of 2025-03-26.",
            "in" : "header",
            "name" : "MCP-Protocol-Version",
            "schema" : {
              "enum" : [
                "2026-07-28",
                "2025-11-25",
                "2025-06-18",
                "2025-03-26"
              ]
            }
          },
          {
            "description" : "From revision 2026-07-28 the request's method again.",
            "in" : "header",
            "name" : "Mcp-Method",
            "schema" : {
              "type" : "string"
            }
          },
          {
            "description" : "From revision 2026-07-28 the called tool's name again.",
            "in" : "header",
            "name" : "Mcp-Name",
            "schema" : {
              "type" : "string"
            }
          }
        ],
        "requestBody" : {
          "content" : {
            "application/json" : {
              "examples" : {
                "initialize" : {
                  "value" : {
                    "id" : 1,
                    "jsonrpc" : "2.0",
                    "method" : "initialize",
                    "params" : {
                      "capabilities" : {

                      },
                      "clientInfo" : {
                        "name" : "example",
                        "version" : "1"
                      },
                      "protocolVersion" : "2025-11-25"
                    }
                  }
                }
              },
              "schema" : {
                "anyOf" : [
                  {
                    "$ref" : "#/components/schemas/JSONRPCMessage"
                  },
                  {
                    "items" : {
                      "$ref" : "#/components/schemas/JSONRPCMessage"
                    },
                    "maxItems" : 16,
                    "minItems" : 1,
                    "type" : "array"
                  }
                ]
              }
            }
          },
          "required" : true
        },
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "anyOf" : [
                    {
                      "$ref" : "#/components/schemas/JSONRPCResponse"
                    },
                    {
                      "items" : {
                        "$ref" : "#/components/schemas/JSONRPCResponse"
                      },
                      "type" : "array"
                    }
                  ]
                }
              },
              "text/event-stream" : {
                "schema" : {
                  "type" : "string"
                }
              }
            },
            "description" : "The answer, which may be an error of JSON-RPC."
          },
          "202" : {
            "description" : "The notification was taken."
          },
          "400" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "anyOf" : [
                    {
                      "$ref" : "#/components/schemas/JSONRPCResponse"
                    },
                    {
                      "$ref" : "#/components/schemas/Error"
                    }
                  ]
                }
              }
            },
            "description" : "The message cannot be understood."
          },
          "401" : {
            "$ref" : "#/components/responses/Unauthorized"
          },
          "403" : {
            "$ref" : "#/components/responses/Forbidden"
          },
          "404" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/JSONRPCResponse"
                }
              }
            },
            "description" : "There is no such method."
          },
          "406" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Error"
                }
              }
            },
            "description" : "The client accepts neither JSON nor server-sent events."
          },
          "413" : {
            "$ref" : "#/components/responses/TooLarge"
          },
          "415" : {
            "$ref" : "#/components/responses/NotJSON"
          },
          "429" : {
            "$ref" : "#/components/responses/TooMany"
          },
          "500" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/JSONRPCResponse"
                }
              }
            },
            "description" : "The service failed inside."
          },
          "503" : {
            "$ref" : "#/components/responses/Unavailable"
          }
        },
        "summary" : "The Model Context Protocol, Streamable HTTP",
        "tags" : [
          "mcp"
        ]
      }
    },
    "/metrics" : {
      "get" : {
        "description" : "Prometheus' text format. No caller, run or preview is named in it.",
        "operationId" : "metrics",
        "responses" : {
          "200" : {
            "content" : {
              "text/plain" : {
                "example" : "# HELP preview_gateway_brake 1 while this replica refuses new previews because it cannot take old ones back.\n# TYPE preview_gateway_brake gauge\npreview_gateway_brake 0\n",
                "schema" : {
                  "type" : "string"
                }
              }
            },
            "description" : "All metrics of this replica."
          }
        },
        "security" : [

        ],
        "summary" : "What this replica counts, for Prometheus",
        "tags" : [
          "operations"
        ]
      }
    },
    "/openapi.json" : {
      "get" : {
        "operationId" : "description",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "required" : [
                    "openapi",
                    "info",
                    "paths"
                  ],
                  "type" : "object"
                }
              }
            },
            "description" : "The OpenAPI document of this service."
          }
        },
        "security" : [

        ],
        "summary" : "This document",
        "tags" : [
          "operations"
        ]
      }
    },
    "/readyz" : {
      "get" : {
        "description" : "200 once the replica has tried to read the cluster's previews; 503 before that, and while it shuts down. That no\npreviews are started, or that the cluster cannot be reached, is said in the body and changes no status.\n",
        "operationId" : "readiness",
        "responses" : {
          "200" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "$ref" : "#/components/schemas/Readiness"
                }
              }
            },
            "description" : "The replica answers requests."
          },
          "503" : {
            "content" : {
              "application/json" : {
                "schema" : {
                  "allOf" : [
                    {
                      "$ref" : "#/components/schemas/Error"
                    },
                    {
                      "$ref" : "#/components/schemas/Readiness"
                    }
                  ]
                }
              }
            },
            "description" : "The replica takes no callers yet, or no more.",
            "headers" : {
              "Retry-After" : {
                "required" : true,
                "schema" : {
                  "minimum" : 0,
                  "type" : "integer"
                }
              }
            }
          }
        },
        "security" : [

        ],
        "summary" : "Whether the replica takes callers",
        "tags" : [
          "operations"
        ]
      }
    }
  },
  "security" : [
    {
      "bearer" : [

      ]
    }
  ],
  "servers" : [
    {
      "url" : "/"
    }
  ],
  "tags" : [
    {
      "description" : "Start, keep alive, list and stop the previews of one run.",
      "name" : "previews"
    },
    {
      "description" : "What agents ask for, and what humans decide.",
      "name" : "approvals"
    },
    {
      "description" : "What happens to a run's previews.",
      "name" : "timeline"
    },
    {
      "description" : "The same for coding assistants.",
      "name" : "mcp"
    },
    {
      "description" : "For whoever runs the service.",
      "name" : "operations"
    }
  ]
}
"""#
}
