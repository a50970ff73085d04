/**
 * The part of Linear's GraphQL schema that this stand-in executes, in SDL. Every type, field, argument and enum here has
 * the name and the type it has at Linear; what is left out is refused by validation instead of being ignored.
 */
export const SCHEMA = /* GraphQL */ `
  scalar DateTime
  scalar DateTimeOrDuration
  scalar JSON
  scalar JSONObject
  scalar TimelessDate

  type Query {
    agentActivities(
      after: String
      before: String
      filter: AgentActivityFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): AgentActivityConnection!
    agentActivity(id: String!): AgentActivity!
    agentSession(id: String!): AgentSession!
    agentSessions(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): AgentSessionConnection!
    comment(id: String): Comment!
    comments(
      after: String
      before: String
      filter: CommentFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): CommentConnection!
    issue(id: String!): Issue!
    issues(
      after: String
      before: String
      filter: IssueFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): IssueConnection!
    organization: Organization!
    team(id: String!): Team!
    teams(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): TeamConnection!
    user(id: String!): User!
    users(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): UserConnection!
    viewer: User!
    workflowStates(
      after: String
      before: String
      filter: WorkflowStateFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): WorkflowStateConnection!
  }

  type Mutation {
    agentActivityCreate(input: AgentActivityCreateInput!): AgentActivityPayload!
    agentSessionCreateOnIssue(input: AgentSessionCreateOnIssue!): AgentSessionPayload!
    agentSessionUpdate(id: String!, input: AgentSessionUpdateInput!): AgentSessionPayload!
    agentSessionUpdateExternalUrl(id: String!, input: AgentSessionUpdateExternalUrlInput!): AgentSessionPayload!
    attachmentCreate(input: AttachmentCreateInput!): AttachmentPayload!
    attachmentLinkURL(
      createAsUser: String
      displayIconUrl: String
      id: String
      issueId: String!
      title: String
      url: String!
    ): AttachmentPayload!
    commentCreate(input: CommentCreateInput!): CommentPayload!
    commentUpdate(id: String!, input: CommentUpdateInput!): CommentPayload!
    issueCreate(input: IssueCreateInput!): IssuePayload!
    issueDelete(id: String!, permanentlyDelete: Boolean): IssueArchivePayload!
    issueRelationCreate(input: IssueRelationCreateInput!, overrideCreatedAt: DateTime): IssueRelationPayload!
    issueRelationDelete(id: String!): DeletePayload!
    issueUpdate(id: String!, input: IssueUpdateInput!): IssuePayload!
  }

  type ActorBot {
    avatarUrl: String
    id: ID
    name: String
    subType: String
    type: String!
    userDisplayName: String
  }

  type AgentActivity {
    agentSession: AgentSession!
    archivedAt: DateTime
    content: AgentActivityContent!
    createdAt: DateTime!
    ephemeral: Boolean!
    id: ID!
    signal: AgentActivitySignal
    signalMetadata: JSON
    sourceComment: Comment
    sourceMetadata: JSON
    updatedAt: DateTime!
    user: User!
  }

  type AgentActivityActionContent {
    action: String!
    parameter: String!
    result: String
    type: AgentActivityType!
  }

  type AgentActivityConnection {
    edges: [AgentActivityEdge!]!
    nodes: [AgentActivity!]!
    pageInfo: PageInfo!
  }

  type AgentActivityEdge {
    cursor: String!
    node: AgentActivity!
  }

  type AgentActivityElicitationContent {
    body: String!
    type: AgentActivityType!
  }

  type AgentActivityErrorContent {
    body: String!
    reasonCode: String
    type: AgentActivityType!
  }

  type AgentActivityPayload {
    agentActivity: AgentActivity!
    lastSyncId: Float!
    success: Boolean!
  }

  type AgentActivityPromptContent {
    body: String!
    title: String
    type: AgentActivityType!
  }

  type AgentActivityResponseContent {
    body: String!
    type: AgentActivityType!
  }

  type AgentActivityThoughtContent {
    body: String!
    type: AgentActivityType!
  }

  type AgentSession {
    activities(
      after: String
      before: String
      filter: AgentActivityFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): AgentActivityConnection!
    appUser: User!
    archivedAt: DateTime
    comment: Comment
    context: JSON!
    createdAt: DateTime!
    creator: User
    dismissedAt: DateTime
    dismissedBy: User
    endedAt: DateTime
    externalLink: String
    externalLinks: [AgentSessionExternalLink!]!
    externalUrls: JSON!
    id: ID!
    issue: Issue
    plan: JSON
    slugId: String!
    sourceComment: Comment
    sourceMetadata: JSON
    startedAt: DateTime
    status: AgentSessionStatus!
    summary: String
    type: AgentSessionType
    updatedAt: DateTime!
    url: String
  }

  type AgentSessionConnection {
    edges: [AgentSessionEdge!]!
    nodes: [AgentSession!]!
    pageInfo: PageInfo!
  }

  type AgentSessionEdge {
    cursor: String!
    node: AgentSession!
  }

  type AgentSessionExternalLink {
    label: String!
    url: String!
  }

  type AgentSessionPayload {
    agentSession: AgentSession!
    lastSyncId: Float!
    success: Boolean!
  }

  type Attachment {
    archivedAt: DateTime
    bodyData: String
    createdAt: DateTime!
    creator: User
    externalUserCreator: ExternalUser
    groupBySource: Boolean!
    id: ID!
    issue: Issue!
    metadata: JSONObject!
    originalIssue: Issue
    source: JSONObject
    sourceType: String
    subtitle: String
    title: String!
    updatedAt: DateTime!
    url: String!
  }

  type AttachmentConnection {
    edges: [AttachmentEdge!]!
    nodes: [Attachment!]!
    pageInfo: PageInfo!
  }

  type AttachmentEdge {
    cursor: String!
    node: Attachment!
  }

  type AttachmentPayload {
    attachment: Attachment!
    lastSyncId: Float!
    success: Boolean!
  }

  type Comment {
    agentSession: AgentSession
    archivedAt: DateTime
    body: String!
    botActor: ActorBot
    children(
      after: String
      before: String
      filter: CommentFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): CommentConnection!
    createdAt: DateTime!
    editedAt: DateTime
    externalUser: ExternalUser
    id: ID!
    isArtificialAgentSessionRoot: Boolean!
    issue: Issue
    issueId: String
    parent: Comment
    parentId: String
    quotedText: String
    updatedAt: DateTime!
    url: String!
    user: User
  }

  type CommentConnection {
    edges: [CommentEdge!]!
    nodes: [Comment!]!
    pageInfo: PageInfo!
  }

  type CommentEdge {
    cursor: String!
    node: Comment!
  }

  type CommentPayload {
    comment: Comment!
    lastSyncId: Float!
    success: Boolean!
  }

  type Cycle {
    id: ID!
  }

  type DeletePayload {
    entityId: String!
    lastSyncId: Float!
    success: Boolean!
  }

  type ExternalEntityInfo {
    id: String!
    metadata: ExternalEntityInfoMetadata
    service: ExternalSyncService!
  }

  type ExternalEntityInfoGithubMetadata {
    number: Float
    owner: String
    repo: String
  }

  type ExternalEntityInfoJiraMetadata {
    issueKey: String
    issueTypeId: String
    projectId: String
  }

  type ExternalEntitySlackMetadata {
    channelId: String
    channelName: String
    isFromSlack: Boolean!
    messageUrl: String
  }

  type ExternalUser {
    displayName: String!
    id: ID!
    name: String!
  }

  type Favorite {
    id: ID!
  }

  type InitiativeUpdate {
    id: ID!
  }

  type Issue {
    addedToCycleAt: DateTime
    addedToProjectAt: DateTime
    addedToTeamAt: DateTime
    agentSessions(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): AgentSessionConnection!
    archivedAt: DateTime
    asksExternalUserRequester: ExternalUser
    asksRequester: User
    assignee: User
    attachments(
      after: String
      before: String
      filter: AttachmentFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): AttachmentConnection!
    autoArchivedAt: DateTime
    autoClosedAt: DateTime
    boardOrder: Float!
    botActor: ActorBot
    branchName: String!
    canceledAt: DateTime
    comments(
      after: String
      before: String
      filter: CommentFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): CommentConnection!
    completedAt: DateTime
    createdAt: DateTime!
    creator: User
    customerTicketCount: Int!
    cycle: Cycle
    delegate: User
    description: String
    dueDate: TimelessDate
    estimate: Float
    externalUserCreator: ExternalUser
    favorite: Favorite
    history(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): IssueHistoryConnection!
    id: ID!
    identifier: String!
    inheritsSharedAccess: Boolean!
    integrationSourceType: IntegrationService
    inverseRelations(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): IssueRelationConnection!
    labelIds: [String!]!
    labels(
      after: String
      before: String
      filter: IssueLabelFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): IssueLabelConnection!
    lastAppliedTemplate: Template
    number: Float!
    parent: Issue
    previousIdentifiers: [String!]!
    priority: Float!
    priorityLabel: String!
    prioritySortOrder: Float!
    project: Project
    projectMilestone: ProjectMilestone
    reactionData: JSONObject!
    reactions: [Reaction!]!
    recurringIssueTemplate: Template
    relations(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): IssueRelationConnection!
    sharedAccess: IssueSharedAccess!
    slaBreachesAt: DateTime
    slaHighRiskAt: DateTime
    slaMediumRiskAt: DateTime
    slaStartedAt: DateTime
    slaType: String
    snoozedBy: User
    snoozedUntilAt: DateTime
    sortOrder: Float!
    sourceComment: Comment
    startedAt: DateTime
    startedTriageAt: DateTime
    state: WorkflowState!
    subIssueSortOrder: Float
    syncedWith: [ExternalEntityInfo!]
    team: Team!
    title: String!
    trashed: Boolean
    triagedAt: DateTime
    updatedAt: DateTime!
    url: String!
  }

  type IssueArchivePayload {
    entity: Issue
    lastSyncId: Float!
    success: Boolean!
  }

  type IssueConnection {
    edges: [IssueEdge!]!
    nodes: [Issue!]!
    pageInfo: PageInfo!
  }

  type IssueEdge {
    cursor: String!
    node: Issue!
  }

  type IssueHistory {
    actor: User
    actorId: String
    botActor: ActorBot
    createdAt: DateTime!
    fromDelegate: User
    fromState: WorkflowState
    fromStateId: String
    id: ID!
    issue: Issue!
    toDelegate: User
    toState: WorkflowState
    toStateId: String
    updatedAt: DateTime!
  }

  type IssueHistoryConnection {
    edges: [IssueHistoryEdge!]!
    nodes: [IssueHistory!]!
    pageInfo: PageInfo!
  }

  type IssueHistoryEdge {
    cursor: String!
    node: IssueHistory!
  }

  type IssueLabel {
    archivedAt: DateTime
    color: String!
    createdAt: DateTime!
    description: String
    id: ID!
    isGroup: Boolean!
    name: String!
    parent: IssueLabel
    team: Team
    updatedAt: DateTime!
  }

  type IssueLabelConnection {
    edges: [IssueLabelEdge!]!
    nodes: [IssueLabel!]!
    pageInfo: PageInfo!
  }

  type IssueLabelEdge {
    cursor: String!
    node: IssueLabel!
  }

  type IssuePayload {
    issue: Issue
    lastSyncId: Float!
    success: Boolean!
  }

  type IssueRelation {
    archivedAt: DateTime
    createdAt: DateTime!
    id: ID!
    issue: Issue!
    relatedIssue: Issue!
    type: String!
    updatedAt: DateTime!
  }

  type IssueRelationConnection {
    edges: [IssueRelationEdge!]!
    nodes: [IssueRelation!]!
    pageInfo: PageInfo!
  }

  type IssueRelationEdge {
    cursor: String!
    node: IssueRelation!
  }

  type IssueRelationPayload {
    issueRelation: IssueRelation!
    lastSyncId: Float!
    success: Boolean!
  }

  type IssueSharedAccess {
    disallowedIssueFields: [IssueSharedAccessDisallowedField!]!
    isShared: Boolean!
    sharedWithCount: Int!
    sharedWithUsers: [User!]!
    viewerHasOnlySharedAccess: Boolean!
  }

  type Organization {
    createdAt: DateTime!
    id: ID!
    name: String!
    updatedAt: DateTime!
    urlKey: String!
  }

  type PageInfo {
    endCursor: String
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
  }

  type Project {
    id: ID!
  }

  type ProjectMilestone {
    id: ID!
  }

  type ProjectUpdate {
    id: ID!
  }

  type Reaction {
    archivedAt: DateTime
    comment: Comment
    createdAt: DateTime!
    emoji: String!
    externalUser: ExternalUser
    id: ID!
    initiativeUpdate: InitiativeUpdate
    issue: Issue
    projectUpdate: ProjectUpdate
    updatedAt: DateTime!
    user: User
  }

  type Team {
    archivedAt: DateTime
    createdAt: DateTime!
    description: String
    displayName: String!
    id: ID!
    issues(
      after: String
      before: String
      first: Int
      includeArchived: Boolean
      includeSubTeams: Boolean = false
      last: Int
      orderBy: PaginationOrderBy
    ): IssueConnection!
    key: String!
    name: String!
    states(
      after: String
      before: String
      filter: WorkflowStateFilter
      first: Int
      includeArchived: Boolean
      last: Int
      orderBy: PaginationOrderBy
    ): WorkflowStateConnection!
    updatedAt: DateTime!
  }

  type TeamConnection {
    edges: [TeamEdge!]!
    nodes: [Team!]!
    pageInfo: PageInfo!
  }

  type TeamEdge {
    cursor: String!
    node: Team!
  }

  type Template {
    id: ID!
  }

  type User {
    active: Boolean!
    admin: Boolean!
    app: Boolean!
    archivedAt: DateTime
    avatarBackgroundColor: String!
    avatarUrl: String
    calendarHash: String
    canAccessAnyPublicTeam: Boolean!
    createdAt: DateTime!
    createdIssueCount: Int!
    description: String
    disableReason: String
    displayName: String!
    email: String!
    gitHubUserId: String
    guest: Boolean!
    id: ID!
    initials: String!
    inviteHash: String!
    isAssignable: Boolean!
    isMe: Boolean!
    isMentionable: Boolean!
    lastSeen: DateTime
    name: String!
    owner: Boolean!
    statusEmoji: String
    statusLabel: String
    statusUntilAt: DateTime
    supportsAgentSessions: Boolean!
    timezone: String
    title: String
    updatedAt: DateTime!
    url: String!
  }

  type UserConnection {
    edges: [UserEdge!]!
    nodes: [User!]!
    pageInfo: PageInfo!
  }

  type UserEdge {
    cursor: String!
    node: User!
  }

  type WorkflowState {
    archivedAt: DateTime
    color: String!
    createdAt: DateTime!
    description: String
    id: ID!
    inheritedFrom: WorkflowState
    name: String!
    position: Float!
    team: Team!
    type: String!
    updatedAt: DateTime!
  }

  type WorkflowStateConnection {
    edges: [WorkflowStateEdge!]!
    nodes: [WorkflowState!]!
    pageInfo: PageInfo!
  }

  type WorkflowStateEdge {
    cursor: String!
    node: WorkflowState!
  }

  union AgentActivityContent =
    | AgentActivityActionContent
    | AgentActivityElicitationContent
    | AgentActivityErrorContent
    | AgentActivityPromptContent
    | AgentActivityResponseContent
    | AgentActivityThoughtContent
  union ExternalEntityInfoMetadata =
    | ExternalEntityInfoGithubMetadata
    | ExternalEntityInfoJiraMetadata
    | ExternalEntitySlackMetadata

  enum AgentActivitySignal {
    auth
    continue
    select
    stop
  }

  enum AgentActivityType {
    action
    elicitation
    error
    prompt
    response
    thought
  }

  enum AgentSessionStatus {
    active
    awaitingInput
    complete
    error
    pending
    stale
  }

  enum AgentSessionType {
    commentThread
  }

  enum ExternalSyncService {
    github
    jira
    slack
  }

  enum IntegrationService {
    airbyte
    asksWeb
    discord
    email
    figma
    figmaPlugin
    front
    github
    githubCodeAccessPersonal
    githubCommit
    githubEnterpriseServer
    githubImport
    githubPersonal
    gitlab
    gong
    googleCalendarPersonal
    googleSheets
    intercom
    jira
    jiraPersonal
    launchDarkly
    launchDarklyPersonal
    loom
    mcpServer
    mcpServerPersonal
    microsoftPersonal
    microsoftTeams
    microsoftTeamsProjectPost
    notion
    opsgenie
    pagerDuty
    salesforce
    sentry
    slack
    slackAsks
    slackCustomViewNotifications
    slackInitiativePost
    slackOrgInitiativeUpdatesPost
    slackOrgProjectUpdatesPost
    slackPersonal
    slackPost
    slackProjectPost
    slackProjectUpdatesPost
    zendesk
  }

  enum IssueRelationType {
    blocks
    duplicate
    related
    similar
  }

  enum IssueSharedAccessDisallowedField {
    cycleId
    projectId
    projectMilestoneId
    teamId
  }

  enum PaginationOrderBy {
    createdAt
    updatedAt
  }

  input AgentActivityCreateInput {
    agentSessionId: String!
    content: JSONObject!
    ephemeral: Boolean
    id: String
    signal: AgentActivitySignal
    signalMetadata: JSONObject
  }

  input AgentActivityFilter {
    agentSessionId: StringComparator
    and: [AgentActivityFilter!]
    createdAt: DateComparator
    id: IDComparator
    or: [AgentActivityFilter!]
    type: StringComparator
    updatedAt: DateComparator
  }

  input AgentSessionCreateOnIssue {
    externalLink: String
    externalUrls: [AgentSessionExternalUrlInput!]
    issueId: String!
  }

  input AgentSessionExternalUrlInput {
    label: String!
    url: String!
  }

  input AgentSessionUpdateExternalUrlInput {
    addedExternalUrls: [AgentSessionExternalUrlInput!]
    externalLink: String
    externalUrls: [AgentSessionExternalUrlInput!]
    removedExternalUrls: [String!]
  }

  input AgentSessionUpdateInput {
    addedExternalUrls: [AgentSessionExternalUrlInput!]
    externalLink: String
    externalUrls: [AgentSessionExternalUrlInput!]
    plan: JSONObject
    removedExternalUrls: [String!]
  }

  input AttachmentCreateInput {
    iconUrl: String
    id: String
    issueId: String!
    metadata: JSONObject
    subtitle: String
    title: String!
    url: String!
  }

  input AttachmentFilter {
    and: [AttachmentFilter!]
    id: IDComparator
    or: [AttachmentFilter!]
    title: StringComparator
    url: StringComparator
  }

  input BooleanComparator {
    eq: Boolean
    neq: Boolean
  }

  input CommentCreateInput {
    body: String
    id: String
    issueId: String
    parentId: String
  }

  input CommentFilter {
    and: [CommentFilter!]
    body: StringComparator
    createdAt: DateComparator
    id: IDComparator
    issue: NullableIssueFilter
    or: [CommentFilter!]
    updatedAt: DateComparator
    user: UserFilter
  }

  input CommentUpdateInput {
    body: String
  }

  input DateComparator {
    eq: DateTimeOrDuration
    gt: DateTimeOrDuration
    gte: DateTimeOrDuration
    in: [DateTimeOrDuration!]
    lt: DateTimeOrDuration
    lte: DateTimeOrDuration
    neq: DateTimeOrDuration
    nin: [DateTimeOrDuration!]
  }

  input IDComparator {
    eq: ID
    in: [ID!]
    neq: ID
    nin: [ID!]
  }

  input IssueCreateInput {
    assigneeId: String
    delegateId: String
    description: String
    id: String
    labelIds: [String!]
    priority: Int
    stateId: String
    teamId: String!
    title: String
  }

  input IssueFilter {
    and: [IssueFilter!]
    assignee: NullableUserFilter
    createdAt: DateComparator
    delegate: NullableUserFilter
    id: IssueIDComparator
    number: NumberComparator
    or: [IssueFilter!]
    priority: NullableNumberComparator
    state: WorkflowStateFilter
    team: TeamFilter
    title: StringComparator
    updatedAt: DateComparator
  }

  input IssueIDComparator {
    eq: ID
    in: [ID!]
    neq: ID
    nin: [ID!]
  }

  input IssueLabelFilter {
    and: [IssueLabelFilter!]
    id: IDComparator
    name: StringComparator
    or: [IssueLabelFilter!]
  }

  input IssueRelationCreateInput {
    id: String
    issueId: String!
    relatedIssueId: String!
    type: IssueRelationType!
  }

  input IssueUpdateInput {
    addedLabelIds: [String!]
    assigneeId: String
    delegateId: String
    description: String
    labelIds: [String!]
    priority: Int
    removedLabelIds: [String!]
    stateId: String
    title: String
    trashed: Boolean
  }

  input NullableIssueFilter {
    id: IssueIDComparator
    number: NumberComparator
    team: TeamFilter
  }

  input NullableNumberComparator {
    eq: Float
    gt: Float
    gte: Float
    in: [Float!]
    lt: Float
    lte: Float
    neq: Float
    nin: [Float!]
    null: Boolean
  }

  input NullableUserFilter {
    app: BooleanComparator
    displayName: StringComparator
    email: StringComparator
    id: IDComparator
    isMe: BooleanComparator
    name: StringComparator
    null: Boolean
  }

  input NumberComparator {
    eq: Float
    gt: Float
    gte: Float
    in: [Float!]
    lt: Float
    lte: Float
    neq: Float
    nin: [Float!]
  }

  input StringComparator {
    contains: String
    containsIgnoreCase: String
    endsWith: String
    eq: String
    eqIgnoreCase: String
    in: [String!]
    neq: String
    nin: [String!]
    startsWith: String
  }

  input TeamFilter {
    id: IDComparator
    key: StringComparator
    name: StringComparator
  }

  input UserFilter {
    app: BooleanComparator
    displayName: StringComparator
    email: StringComparator
    id: IDComparator
    isMe: BooleanComparator
    name: StringComparator
  }

  input WorkflowStateFilter {
    and: [WorkflowStateFilter!]
    id: IDComparator
    name: StringComparator
    or: [WorkflowStateFilter!]
    position: NumberComparator
    team: TeamFilter
    type: StringComparator
  }
`;
