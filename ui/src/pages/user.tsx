/** One user. */
import { apiPath, call } from '../base/api.ts'
import { useLive } from '../base/live.ts'
import { go, href } from '../base/router.ts'
import { session } from '../base/session.ts'
import type { User } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Button, Failure, Notice } from '../parts/basics.tsx'
import { confirmThen, openDialog } from '../parts/feedback.tsx'
import { PageHead } from '../parts/shell.tsx'
import { CloseForm } from './connections.tsx'
import { PermissionsCard, TopicPermissionsCard } from './permissions.tsx'
import { tagsOf, UserForm } from './users.tsx'

/** The page of a user. */
export function UserPage({ path: [, name = ''] }: PageProps) {
  const resource = apiPath('users', name)
  const { data, failure } = useLive<User>(resource)
  if (failure !== undefined && data === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={[['Users', ['users']]]} />
        <Failure failure={failure} />
      </>
    )
  }
  const isMe = session.value?.name === name
  return (
    <>
      <PageHead
        title={name}
        crumbs={[['Users', ['users']]]}
        badges={
          <>
            {(data === undefined ? [] : tagsOf(data)).map((tag) => (
              <Badge key={tag} tone={tag === 'administrator' ? 'accent' : 'plain'}>
                {tag}
              </Badge>
            ))}
            {isMe ? <Badge tone="ok">you</Badge> : null}
          </>
        }
      >
        <a class="button" href={href(['limits'])}>
          Limits
        </a>
        <Button icon="edit" disabled={data === undefined} onClick={() => data && openDialog(<UserForm user={data} />)}>
          Change
        </Button>
        <Button
          icon="connection"
          look="destructive"
          onClick={() =>
            openDialog(
              <CloseForm
                what={`all connections of ${name}`}
                onClose={async (reason) => {
                  await call('DELETE', apiPath('connections', 'username', name), undefined, { 'x-reason': reason })
                }}
              />,
            )
          }
        >
          Close connections
        </Button>
        <Button
          icon="trash"
          look="destructive"
          disabled={isMe}
          onClick={() =>
            confirmThen({
              title: `Delete the user ${name}?`,
              text: 'Its permissions go as well, and it cannot sign in any more.',
              action: 'Delete',
              done: `User ${name} is deleted.`,
              onYes: async () => {
                await call('DELETE', resource)
                go(['users'])
              },
            })
          }
        >
          Delete
        </Button>
      </PageHead>
      {data?.password_hash === '' ? (
        <Notice tone="warn">Without a password this user signs in by certificate or token, if at all.</Notice>
      ) : null}
      <PermissionsCard user={name} />
      <TopicPermissionsCard user={name} />
    </>
  )
}
