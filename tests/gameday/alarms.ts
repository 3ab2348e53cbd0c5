// placeholder until the evaluator is there
import type { System } from '../system/fixture.ts';
import type { AlarmSeen } from './record.ts';

export async function alarmsSeen(_system: System): Promise<readonly AlarmSeen[]> {
  return Promise.resolve([]);
}
