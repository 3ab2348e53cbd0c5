// What a function is, what comes of an invocation, and what is counted: the words of the local Lambda runner.
// Types only; the same words and limits as in AWS's own configuration.
// Never holds behaviour.

/** One Lambda function, as deployed. */
export interface FunctionDefinition {
  readonly name: string;
  /** The packaged zip, exactly what is deployed. */
  readonly zipPath: string;
  /** `<file>.<export>`, like `execute.handler`. */
  readonly handler: string;
  /** 1 ms to 900,000 ms. */
  readonly timeoutMs: number;
  /** 128 to 10,240; bounds the child's heap, is not enforced otherwise. */
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly eventSource?: EventSource;
  /** What happens after 16 hops through the function's own queue; default 'Terminate', as in AWS. */
  readonly recursiveLoop?: 'Terminate' | 'Allow';
}

/** An SQS event source mapping. */
export interface EventSource {
  readonly queueUrl: string;
  /** 1 to 10. */
  readonly batchSize: number;
  /** 2 to 1000: AWS refuses 1. */
  readonly maximumConcurrency: number;
  readonly reportBatchItemFailures: boolean;
}

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace?: readonly string[];
}

/** What came of one invocation: a payload, or the function error. */
export interface InvocationResult {
  readonly payload?: unknown;
  readonly error?: FunctionError;
}

/** Counters since the start of the runner. */
export interface FunctionMetrics {
  readonly invocations: number;
  /** Invocations that ended in a function error; timeouts and crashes included. */
  readonly errors: number;
  readonly timeouts: number;
  /** Environments started. */
  readonly coldStarts: number;
  /** Environments alive now. */
  readonly environments: number;
  /** Environments running an invocation now. */
  readonly busy: number;
  /** Batches whose invocation has ended; the sum of the three below. */
  readonly batches: number;
  readonly batchesDone: number;
  /** Some records came back. */
  readonly batchesPartlyFailed: number;
  /** Every record came back. */
  readonly batchesFailed: number;
  /** The most batches that ran at once. */
  readonly maxConcurrentBatches: number;
  /** Records that could not be deleted although they succeeded: they will be delivered again. */
  readonly undeleted: number;
  /** Records taken off the queue because they had gone round 16 times. */
  readonly recursionStopped: number;
}
